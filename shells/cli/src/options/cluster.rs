//! The words of `--cluster`.

/// A command of the cluster manager and its options.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ClusterCommand {
    /// `create`, `check`, ...; not checked yet.
    pub(crate) name: String,
    /// Its words, not checked yet; they may be arguments of a command of the server.
    pub(crate) arguments: Vec<Vec<u8>>,
    /// `--cluster-yes`: what is asked is answered with yes.
    pub(crate) yes: bool,
    /// `--cluster-only-masters`
    pub(crate) only_primaries: bool,
    /// `--cluster-only-replicas`
    pub(crate) only_replicas: bool,
    /// `--cluster-replicas`
    pub(crate) replicas: i64,
    /// `--cluster-master-id`
    pub(crate) primary_id: Option<String>,
    /// `--cluster-from`
    pub(crate) from: Option<String>,
    /// `--cluster-to`
    pub(crate) to: Option<String>,
    /// `--cluster-from-user`
    pub(crate) from_user: Option<Vec<u8>>,
    /// `--cluster-from-pass`
    pub(crate) from_password: Option<Vec<u8>>,
    /// `--cluster-from-askpass`
    pub(crate) from_ask_password: bool,
    /// `--cluster-weight`: `id=weight` each
    pub(crate) weights: Option<Vec<String>>,
    /// `--cluster-slots`, 0 if not given
    pub(crate) slots: i64,
    /// `--cluster-timeout`
    pub(crate) timeout_ms: i64,
    /// `--cluster-pipeline`: keys for one MIGRATE
    pub(crate) pipeline: Option<i64>,
    /// `--cluster-threshold`, in per cent
    pub(crate) threshold: f64,
    /// `--cluster-simulate`
    pub(crate) simulate: bool,
    /// `--cluster-replace`
    pub(crate) replace: bool,
    /// `--cluster-copy`
    pub(crate) copy: bool,
    /// `--cluster-slave`
    pub(crate) as_replica: bool,
    /// `--cluster-use-empty-masters`
    pub(crate) use_empty_primaries: bool,
    /// `--cluster-search-multiple-owners`
    pub(crate) search_multiple_owners: bool,
    /// `--cluster-fix-with-unreachable-masters`
    pub(crate) fix_with_unreachable_primaries: bool,
    /// `--cluster-dry-run`: what would be done is shown, and nothing is done
    pub(crate) dry_run: bool,
}

impl Default for ClusterCommand {
    fn default() -> Self {
        Self {
            name: String::new(),
            arguments: Vec::new(),
            yes: false,
            only_primaries: false,
            only_replicas: false,
            replicas: 0,
            primary_id: None,
            from: None,
            to: None,
            from_user: None,
            from_password: None,
            from_ask_password: false,
            weights: None,
            slots: 0,
            timeout_ms: 60_000,
            pipeline: None,
            threshold: 2.0,
            simulate: false,
            replace: false,
            copy: false,
            as_replica: false,
            use_empty_primaries: false,
            search_multiple_owners: false,
            fix_with_unreachable_primaries: false,
            dry_run: false,
        }
    }
}

impl ClusterCommand {
    /// Takes an option without a value; `false` if it is none.
    pub(super) fn take_flag(&mut self, option: &str) -> bool {
        match option {
            "--cluster-yes" => self.yes = true,
            "--cluster-only-masters" => self.only_primaries = true,
            "--cluster-only-replicas" => self.only_replicas = true,
            "--cluster-from-askpass" => self.from_ask_password = true,
            "--cluster-simulate" => self.simulate = true,
            "--cluster-replace" => self.replace = true,
            "--cluster-copy" => self.copy = true,
            "--cluster-slave" => self.as_replica = true,
            "--cluster-use-empty-masters" => self.use_empty_primaries = true,
            "--cluster-search-multiple-owners" => self.search_multiple_owners = true,
            "--cluster-fix-with-unreachable-masters" => self.fix_with_unreachable_primaries = true,
            "--dry-run" | "--cluster-dry-run" => self.dry_run = true,
            _ => return false,
        }
        true
    }

    /// Takes an option with its value; `false` if it is none.
    pub(super) fn take_value(&mut self, option: &str, value: &[u8]) -> bool {
        use crate::number::{leading_decimal, leading_integer};
        let text = || String::from_utf8_lossy(value).into_owned();
        match option {
            "--cluster-replicas" => self.replicas = leading_integer(value),
            "--cluster-master-id" => self.primary_id = Some(text()),
            "--cluster-from" => self.from = Some(text()),
            "--cluster-to" => self.to = Some(text()),
            "--cluster-from-user" => self.from_user = Some(value.to_vec()),
            "--cluster-from-pass" => self.from_password = Some(value.to_vec()),
            "--cluster-slots" => self.slots = leading_integer(value),
            "--cluster-timeout" => self.timeout_ms = leading_integer(value),
            "--cluster-pipeline" => self.pipeline = Some(leading_integer(value)),
            "--cluster-threshold" => self.threshold = leading_decimal(value),
            _ => return false,
        }
        true
    }
}

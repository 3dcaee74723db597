//! The process title: a template with variables in braces.

/// A variable of `proc-title-template`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TitleVariable {
    /// `{title}`: `argv[0]`, or the job of a child.
    Title,
    /// `{listen-addr}`: first address and port, or the Unix socket.
    ListenAddr,
    /// `{server-mode}`: `[cluster]`, `[sentinel]` or nothing.
    ServerMode,
    /// `{config-file}`: its path, or `-`.
    ConfigFile,
    /// `{port}`.
    Port,
    /// `{tls-port}`.
    TlsPort,
    /// `{unixsocket}`.
    UnixSocket,
}

impl TitleVariable {
    const NAMES: [(&'static str, TitleVariable); 7] = [
        ("title", TitleVariable::Title),
        ("listen-addr", TitleVariable::ListenAddr),
        ("server-mode", TitleVariable::ServerMode),
        ("config-file", TitleVariable::ConfigFile),
        ("port", TitleVariable::Port),
        ("tls-port", TitleVariable::TlsPort),
        ("unixsocket", TitleVariable::UnixSocket),
    ];

    fn named(name: &str) -> Option<TitleVariable> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, variable)| *variable)
    }
}

/// The title that `template` gives, without blanks around it; `{{` stands for `{`. `None` when a
/// brace stays open or a variable is unknown.
pub fn expand_title(template: &[u8], value_of: impl Fn(TitleVariable) -> String) -> Option<String> {
    let template = String::from_utf8_lossy(template);
    let mut rest = template.as_ref();
    let mut title = String::new();
    while let Some((before, behind)) = rest.split_once('{') {
        title.push_str(before);
        if let Some(literal) = behind.strip_prefix('{') {
            title.push('{');
            rest = literal;
            continue;
        }
        let (name, behind) = behind.split_once('}')?;
        title.push_str(&value_of(TitleVariable::named(name)?));
        rest = behind;
    }
    title.push_str(rest);
    Some(title.trim_matches(' ').to_owned())
}

/// Whether the template expands, and to something that can be seen even where its variables are
/// empty.
pub(crate) fn is_valid(template: &[u8]) -> bool {
    let sample = |variable| match variable {
        TitleVariable::Title | TitleVariable::ServerMode | TitleVariable::UnixSocket => "",
        TitleVariable::ListenAddr => "*:0",
        TitleVariable::ConfigFile => "-",
        TitleVariable::Port | TitleVariable::TlsPort => "0",
    };
    expand_title(template, |variable| sample(variable).to_owned())
        .is_some_and(|title| !title.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn title(template: &str) -> Option<String> {
        expand_title(template.as_bytes(), |variable| match variable {
            TitleVariable::Title => "redis-server".to_owned(),
            TitleVariable::ListenAddr => "*:6379".to_owned(),
            TitleVariable::ServerMode => String::new(),
            _ => "?".to_owned(),
        })
    }

    #[test]
    fn variables_are_replaced_and_trailing_blanks_trimmed() {
        let shown = title("{title} {listen-addr} {server-mode}");
        assert_eq!(shown.as_deref(), Some("redis-server *:6379"));
        assert_eq!(title("{{{port}}").as_deref(), Some("{?}"));
        assert_eq!(title("x }").as_deref(), Some("x }"));
        assert_eq!(title("{nope}"), None);
        assert_eq!(title("x {port"), None);
    }

    #[test]
    fn a_template_must_show_something() {
        for (template, valid) in [
            ("{port}", true),
            ("x {{y}", true),
            ("{config-file}", true),
            ("{title}", false),
            ("{unixsocket}", false),
            ("{nope}", false),
            (" ", false),
            ("", false),
        ] {
            assert_eq!(is_valid(template.as_bytes()), valid, "{template:?}");
        }
    }
}

//! COMMAND DOCS as our own server would answer it.

use dunlin_commands::Table;
use dunlin_resp::Value;
use dunlin_spec::describe::{self, Sink};

/// Documentation of all our commands, as a map.
pub(super) fn docs() -> Value {
    let table = Table::new();
    let containers =
        table.all().iter().filter(|command| command.command.spec.container().is_none());
    let pairs = containers.map(|&command| {
        let subcommands = command.command.listed_subcommands();
        let mut tree = Tree::default();
        describe::docs(&command.command.spec, &subcommands, &mut tree);
        (Value::Bulk(command.command.spec.name().into()), tree.root())
    });
    Value::Map(pairs.collect())
}

/// Builds a value from the pieces that [`describe`] names.
#[derive(Default)]
struct Tree {
    /// Aggregates that wait for more elements, the outermost first.
    open: Vec<Open>,
    root: Option<Value>,
}

struct Open {
    is_map: bool,
    wanted: usize,
    elements: Vec<Value>,
}

impl Tree {
    fn root(self) -> Value {
        self.root.unwrap_or(Value::Null)
    }

    fn begin(&mut self, is_map: bool, wanted: usize) {
        self.open.push(Open { is_map, wanted, elements: Vec::new() });
        self.close();
    }

    fn add(&mut self, value: Value) {
        match self.open.last_mut() {
            Some(open) => open.elements.push(value),
            None => self.root = Some(value),
        }
        self.close();
    }

    /// Closes what is complete; it may complete what is around it.
    fn close(&mut self) {
        while let Some(open) = self.open.pop_if(|open| open.elements.len() == open.wanted) {
            let value = if open.is_map {
                let mut elements = open.elements.into_iter();
                let mut pairs = Vec::new();
                while let (Some(name), Some(value)) = (elements.next(), elements.next()) {
                    pairs.push((name, value));
                }
                Value::Map(pairs)
            } else {
                Value::Array(open.elements)
            };
            match self.open.last_mut() {
                Some(around) => around.elements.push(value),
                None => self.root = Some(value),
            }
        }
    }
}

impl Sink for Tree {
    fn array(&mut self, len: usize) {
        self.begin(false, len);
    }

    fn set(&mut self, len: usize) {
        self.begin(false, len);
    }

    fn map(&mut self, len: usize) {
        self.begin(true, 2 * len);
    }

    fn text(&mut self, text: &str) {
        self.add(Value::Bulk(text.into()));
    }

    fn word(&mut self, word: &str) {
        self.add(Value::Simple(word.into()));
    }

    fn integer(&mut self, value: i64) {
        self.add(Value::Integer(value));
    }
}

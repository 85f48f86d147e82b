//! Expressions that have a good chance to compile.

use super::Maker;

/// What an expression is to give, mostly.
#[derive(Clone, Copy)]
pub(super) enum Want {
    Bool,
    Number,
    Text,
    List,
}

impl Maker {
    /// An expression that has a good chance to have a type.
    pub(super) fn typed(&mut self, want: Want, depth: usize) -> String {
        if self.below(40) == 0 {
            return self.atom();
        }
        if depth == 0 {
            return self.leaf(want);
        }
        let below = depth - 1;
        match want {
            Want::Bool => self.bool(below),
            Want::Number => self.number(below),
            Want::Text => self.text(below),
            Want::List => self.list(below),
        }
    }

    pub(super) fn leaf(&mut self, want: Want) -> String {
        let in_closure = self.closures > 0;
        match want {
            Want::Bool => self.one(&["true", "false", "result == nil", "1 < 2", "isNil(result)"]),
            Want::Number if in_closure && self.below(2) == 0 => self.one(&["#", "#", "#", "asFloat(#)", "#?.v"]),
            Want::Number => self.one(&[
                "0",
                "1",
                "2",
                "3.5",
                "-1",
                "10",
                "0.5",
                "asFloat(default(1, 1))",
                "result",
                "result[0]",
                "result.v",
                "(result?.v ?? 1)",
                "asInt(\"7\")",
                "len(\"ab\")",
                "1e21",
                "7",
            ]),
            Want::Text if in_closure && self.below(3) == 0 => self.one(&["string(#)", "#", "type(#)"]),
            Want::Text => self.one(&[
                "\"a\"",
                "\"abc\"",
                "\"\"",
                "\"1\"",
                "string(result)",
                "type(result)",
                "result.text",
                "\"a,b\"",
                "`x`",
            ]),
            Want::List if in_closure && self.below(3) == 0 => self.one(&["[#]", "#", "[#, 1]"]),
            Want::List => self.one(&[
                "[1, 2, 3]",
                "[3, 1, 2]",
                "[0.5, 1]",
                "[]",
                "1..4",
                "result",
                "result.list",
                "result.a",
                "[1, 2.5, -3]",
                "split(\"a,b\", \",\")",
                "[\"b\", \"a\"]",
                "result[0].Values",
                "[result]",
                "[[1], [2, 3]]",
                "[nil, 1]",
            ]),
        }
        .to_owned()
    }

    pub(super) fn closure_of(&mut self, want: Want, depth: usize) -> String {
        self.closures += 1;
        let body = self.typed(want, depth);
        self.closures -= 1;
        body
    }

    pub(super) fn bool(&mut self, depth: usize) -> String {
        match self.below(9) {
            0 | 1 => {
                let operator = self.one(&["<", "<=", ">", ">=", "==", "!="]);
                format!(
                    "{} {operator} {}",
                    self.typed(Want::Number, depth),
                    self.typed(Want::Number, depth)
                )
            }
            2 => {
                let operator = self.one(&["&&", "||", "and", "or", "=="]);
                format!(
                    "({} {operator} {})",
                    self.typed(Want::Bool, depth),
                    self.typed(Want::Bool, depth)
                )
            }
            3 => format!("!({})", self.typed(Want::Bool, depth)),
            4 | 5 => {
                let name = self.one(&["all", "any", "none", "one"]);
                format!(
                    "{name}({}, {})",
                    self.typed(Want::List, depth),
                    self.closure_of(Want::Bool, depth)
                )
            }
            6 => {
                let operator = self.one(&["==", "!=", "contains", "startsWith", "endsWith", "matches", "in"]);
                format!(
                    "{} {operator} {}",
                    self.typed(Want::Text, depth),
                    self.typed(Want::Text, depth)
                )
            }
            7 => format!(
                "{} in {}",
                self.typed(Want::Number, depth),
                self.typed(Want::List, depth)
            ),
            _ => format!("{} == {}", self.typed(Want::List, depth), self.typed(Want::List, depth)),
        }
    }

    pub(super) fn number(&mut self, depth: usize) -> String {
        match self.below(10) {
            0..=2 => {
                let operator = self.one(&["+", "-", "*", "/", "%", "**"]);
                format!(
                    "({} {operator} {})",
                    self.typed(Want::Number, depth),
                    self.typed(Want::Number, depth)
                )
            }
            3 => {
                let name = self.one(&[
                    "abs", "ceil", "floor", "round", "int", "float", "asInt", "asFloat", "-", "string",
                ]);
                format!("{name}({})", self.typed(Want::Number, depth))
            }
            4 => {
                let name = self.one(&["sum", "max", "min", "mean", "median", "len", "first", "last"]);
                format!("{name}({})", self.typed(Want::List, depth))
            }
            5 => format!(
                "count({}, {})",
                self.typed(Want::List, depth),
                self.closure_of(Want::Bool, depth)
            ),
            6 => format!(
                "sum({}, {})",
                self.typed(Want::List, depth),
                self.closure_of(Want::Number, depth)
            ),
            7 => {
                let name = self.one(&["find", "findIndex", "findLast", "findLastIndex"]);
                format!(
                    "{name}({}, {})",
                    self.typed(Want::List, depth),
                    self.closure_of(Want::Bool, depth)
                )
            }
            8 => format!(
                "({} ? {} : {})",
                self.typed(Want::Bool, depth),
                self.typed(Want::Number, depth),
                self.typed(Want::Number, depth)
            ),
            _ => format!(
                "({})[{}]",
                self.typed(Want::List, depth),
                self.typed(Want::Number, depth)
            ),
        }
    }

    pub(super) fn text(&mut self, depth: usize) -> String {
        match self.below(6) {
            0 => format!("{} + {}", self.typed(Want::Text, depth), self.typed(Want::Text, depth)),
            1 => {
                let name = self.one(&["upper", "lower", "trim", "toBase64", "toJSON", "string"]);
                format!("{name}({})", self.typed(Want::Text, depth))
            }
            2 => format!("string({})", self.typed(Want::Number, depth)),
            3 => format!("string({})", self.typed(Want::List, depth)),
            4 => format!("toJSON({})", self.typed(Want::List, depth)),
            _ => format!(
                "({})[{}:]",
                self.typed(Want::Text, depth),
                self.typed(Want::Number, depth)
            ),
        }
    }

    pub(super) fn list(&mut self, depth: usize) -> String {
        match self.below(11) {
            0 | 1 => format!(
                "filter({}, {})",
                self.typed(Want::List, depth),
                self.closure_of(Want::Bool, depth)
            ),
            2 | 3 => format!(
                "map({}, {})",
                self.typed(Want::List, depth),
                self.closure_of(Want::Number, depth)
            ),
            4 => {
                let name = self.one(&["reverse", "uniq", "flatten", "sort", "concat"]);
                format!("{name}({})", self.typed(Want::List, depth))
            }
            5 => format!(
                "sortBy({}, {})",
                self.typed(Want::List, depth),
                self.closure_of(Want::Number, depth)
            ),
            6 => format!(
                "take({}, {})",
                self.typed(Want::List, depth),
                self.typed(Want::Number, depth)
            ),
            7 => format!(
                "concat({}, {})",
                self.typed(Want::List, depth),
                self.typed(Want::List, depth)
            ),
            8 => format!(
                "[{}, {}]",
                self.typed(Want::Number, depth),
                self.typed(Want::Text, depth)
            ),
            9 => format!(
                "({})[{}:]",
                self.typed(Want::List, depth),
                self.typed(Want::Number, depth)
            ),
            _ => format!(
                "map({}, {})",
                self.typed(Want::List, depth),
                self.closure_of(Want::Text, depth)
            ),
        }
    }
}

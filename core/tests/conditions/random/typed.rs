//! Expressions that have a good chance to compile.

use super::Maker;

const TIMES: &[&str] = &[
    "date(\"2023-08-14\")",
    "date(\"2024-02-29 23:59:59\")",
    "date(\"2023-03-26 02:30:00\", \"2006-01-02 15:04:05\", \"Europe/Zurich\")",
    "date(\"2023-08-14T01:02:03.5+02:00\")",
    "date(\"1999-12-31T23:00:00Z\")",
    "date(\"12:13:14\")",
    "date(\"Mon, 14 Aug 2023 01:02:03 EST\")",
    "date(\"2023-226 4PM\", \"2006-002 3PM\")",
];

const SPANS: &[&str] = &[
    "duration(\"1h\")",
    "duration(\"1h30m5.25s\")",
    "duration(\"-90m\")",
    "duration(\"250us\")",
    "duration(\"0\")",
    "duration(\"2562047h\")",
    "duration(\"720h\")",
];

/// What an expression is to give, mostly.
#[derive(Clone, Copy)]
pub(super) enum Want {
    Bool,
    Number,
    Text,
    List,
    Time,
    Span,
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
            Want::Time => self.time(below),
            Want::Span => self.span(below),
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
            Want::Time => self.one(TIMES),
            Want::Span => self.one(SPANS),
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
        match self.below(12) {
            10 | 11 => self.number_of_time(depth),
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

    /// A number that a time or a duration has.
    fn number_of_time(&mut self, depth: usize) -> String {
        if self.below(2) == 0 {
            let name = self.one(&[
                "Year",
                "Day",
                "YearDay",
                "Hour",
                "Minute",
                "Second",
                "Nanosecond",
                "Unix",
                "UnixMilli",
                "UnixNano",
                "Month",
                "Weekday",
            ]);
            format!("({}).{name}()", self.typed(Want::Time, depth))
        } else {
            let name = self.one(&[
                "Hours",
                "Minutes",
                "Seconds",
                "Milliseconds",
                "Microseconds",
                "Nanoseconds",
            ]);
            format!("({}).{name}()", self.typed(Want::Span, depth))
        }
    }

    pub(super) fn text(&mut self, depth: usize) -> String {
        match self.below(12) {
            6 => {
                let layout = self.one(&[
                    "2006-01-02T15:04:05Z07:00",
                    "Jan _2 06 3:04PM",
                    "Monday, 02-Jan-06 MST",
                    "15:04:05.000 -0700",
                    "002 __2",
                    "1/2/06 03:04:05.999999 pm Z0700",
                ]);
                format!("({}).Format(\"{layout}\")", self.typed(Want::Time, depth))
            }
            7 => format!("string({})", self.typed(Want::Time, depth)),
            8 => format!("string({})", self.typed(Want::Span, depth)),
            9 => {
                let name = self.one(&["trimPrefix", "trimSuffix", "trim"]);
                format!(
                    "{name}({}, {})",
                    self.typed(Want::Text, depth),
                    self.typed(Want::Text, depth)
                )
            }
            10 => format!(
                "replace({}, {}, {})",
                self.typed(Want::Text, depth),
                self.typed(Want::Text, depth),
                self.typed(Want::Text, depth)
            ),
            11 => format!(
                "join(map({}, string(#)), {})",
                self.typed(Want::List, depth),
                self.typed(Want::Text, depth)
            ),
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

    pub(super) fn time(&mut self, depth: usize) -> String {
        match self.below(7) {
            0 | 1 => {
                let operator = self.one(&["+", "-"]);
                format!(
                    "({} {operator} {})",
                    self.typed(Want::Time, depth),
                    self.typed(Want::Span, depth)
                )
            }
            2 => {
                let zone = self.one(&[
                    "UTC",
                    "Europe/Zurich",
                    "America/New_York",
                    "Asia/Kolkata",
                    "Australia/Lord_Howe",
                ]);
                format!("({}).In(timezone(\"{zone}\"))", self.typed(Want::Time, depth))
            }
            3 => {
                let name = self.one(&["Truncate", "Round", "Add"]);
                format!(
                    "({}).{name}({})",
                    self.typed(Want::Time, depth),
                    self.typed(Want::Span, depth)
                )
            }
            4 => {
                let by = self.one(&["0, 1, 0", "1, 0, 30", "0, -13, 0", "-1, 2, -3"]);
                format!("({}).AddDate({by})", self.typed(Want::Time, depth))
            }
            5 => format!(
                "[{}, {}] | sortBy(#) | first()",
                self.typed(Want::Time, depth),
                self.typed(Want::Time, depth)
            ),
            _ => format!(
                "({} > {} ? {} : {})",
                self.typed(Want::Time, depth),
                self.typed(Want::Time, depth),
                self.typed(Want::Time, depth),
                self.typed(Want::Time, depth)
            ),
        }
    }

    pub(super) fn span(&mut self, depth: usize) -> String {
        match self.below(5) {
            0 => format!(
                "({} - {})",
                self.typed(Want::Time, depth),
                self.typed(Want::Time, depth)
            ),
            1 => {
                let operator = self.one(&["+", "-"]);
                format!(
                    "({} {operator} {})",
                    self.typed(Want::Span, depth),
                    self.typed(Want::Span, depth)
                )
            }
            2 => format!(
                "({} * {})",
                self.typed(Want::Span, depth),
                self.one(&["2", "3", "-1", "0.5"])
            ),
            3 => {
                let name = self.one(&["Round", "Truncate"]);
                format!(
                    "({}).{name}({})",
                    self.typed(Want::Span, depth),
                    self.typed(Want::Span, depth)
                )
            }
            _ => format!("({}).Abs()", self.typed(Want::Span, depth)),
        }
    }
}

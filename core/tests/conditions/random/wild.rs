//! Expressions of anything, most of which do not compile.

use super::Maker;

/// Functions with a closure.
const WITH_CLOSURE: &[&str] = &[
    "all",
    "none",
    "any",
    "one",
    "filter",
    "map",
    "count",
    "sum",
    "find",
    "findIndex",
    "findLast",
    "findLastIndex",
    "sortBy",
    "reduce",
    "groupBy",
    "all",
    "any",
    "filter",
    "map",
    "sum",
];

/// Functions of one argument.
const OF_ONE: &[&str] = &[
    "len",
    "type",
    "abs",
    "ceil",
    "floor",
    "round",
    "int",
    "float",
    "string",
    "trim",
    "upper",
    "lower",
    "max",
    "min",
    "mean",
    "median",
    "toJSON",
    "fromJSON",
    "toBase64",
    "first",
    "last",
    "reverse",
    "uniq",
    "concat",
    "flatten",
    "sort",
    "bitnot",
    "count",
    "sum",
    "join",
    "duration",
    "date",
    "fromPairs",
];

/// Functions of two.
const OF_TWO: &[&str] = &[
    "get",
    "take",
    "max",
    "min",
    "concat",
    "bitand",
    "bitor",
    "split",
    "trimPrefix",
    "indexOf",
    "hasPrefix",
    "join",
    "repeat",
    "sort",
    "trim",
    "mean",
    "median",
    "bitshl",
];

impl Maker {
    pub(super) fn atom(&mut self) -> String {
        if self.closures > 0 && self.below(3) == 0 {
            return self
                .one(&["#", "#", "#", ".v", ".a", "#index", "#acc", "#.v", "#[0]"])
                .to_owned();
        }
        if self.variables > 0 && self.below(4) == 0 {
            let which = self.below(self.variables as usize);
            return format!("x{which}");
        }
        match self.below(12) {
            0 | 1 => self.one(&["0", "1", "2", "3", "10", "-1", "100"]).to_owned(),
            2 => self.one(&["0.5", "1.5", "2.0", "1e6", "0.1"]).to_owned(),
            3 => self
                .one(&["\"a\"", "\"b\"", "\"1\"", "\"\"", "'x'", "\"abc\"", "\"1h\"", "`a,b`"])
                .to_owned(),
            4 => self.one(&["true", "false", "nil"]).to_owned(),
            5 => self
                .one(&[
                    "[1, 2]",
                    "[\"a\"]",
                    "[]",
                    "{a: 1}",
                    "1..3",
                    "[1, nil, \"a\"]",
                    "[[1], 2]",
                    "{}",
                ])
                .to_owned(),
            6 => self
                .one(&[
                    "duration(\"1h\")",
                    "date(\"2023-08-14\")",
                    "asInt(\"3\")",
                    "b\"ab\"",
                    "foo",
                ])
                .to_owned(),
            _ => self.of_result(),
        }
    }

    pub(super) fn of_result(&mut self) -> String {
        let mut text = "result".to_owned();
        for _ in 0..self.below(3) {
            text.push_str(self.one(&[
                "[0]",
                "[1]",
                "[-1]",
                ".a",
                ".v",
                ".list",
                ".none",
                "?.a",
                "?.v",
                "?.[0]",
                ".missing",
                ".Values",
                ".Id",
                "[\"a\"]",
                "[1:]",
                "[:1]",
                ".text",
                ".StatusCode",
            ]));
        }
        text
    }

    pub(super) fn operator(&mut self) -> &'static str {
        self.one(&[
            "+",
            "-",
            "*",
            "/",
            "%",
            "**",
            "^",
            "==",
            "!=",
            "<",
            ">",
            "<=",
            ">=",
            "&&",
            "||",
            "and",
            "or",
            "in",
            "not in",
            "contains",
            "startsWith",
            "endsWith",
            "matches",
            "??",
            "..",
            "==",
            "<",
            ">",
            "&&",
            "||",
            "in",
        ])
    }

    pub(super) fn closure(&mut self, depth: usize) -> String {
        self.closures += 1;
        let body = self.expression(depth);
        self.closures -= 1;
        match self.below(3) {
            0 => format!("{{{body}}}"),
            _ => body,
        }
    }

    pub(super) fn call(&mut self, depth: usize) -> String {
        let below = depth - 1;
        match self.below(8) {
            0..=2 => {
                let name = self.one(WITH_CLOSURE);
                let list = self.expression(below);
                let closure = self.closure(below);
                let last = match (name, self.below(3)) {
                    ("reduce", 0) => format!(", {}", self.atom()),
                    ("sortBy", 0) => ", \"desc\"".to_owned(),
                    _ => String::new(),
                };
                format!("{name}({list}, {closure}{last})")
            }
            3 | 4 => {
                let name = self.one(OF_ONE);
                format!("{name}({})", self.expression(below))
            }
            5 => {
                let name = self.one(OF_TWO);
                format!("{name}({}, {})", self.expression(below), self.expression(below))
            }
            6 => {
                let name = self.one(&["asInt", "asFloat", "isNaN", "isInf", "isNil", "asInt", "asFloat"]);
                format!("{name}({})", self.expression(below))
            }
            _ => format!("default({}, {})", self.expression(below), self.expression(below)),
        }
    }

    pub(super) fn expression(&mut self, depth: usize) -> String {
        if depth == 0 {
            return self.atom();
        }
        let below = depth - 1;
        match self.below(16) {
            0..=4 => {
                let (left, right) = (self.expression(below), self.expression(below));
                let operator = self.operator();
                format!("{left} {operator} {right}")
            }
            5 => {
                let (left, right) = (self.expression(below), self.expression(below));
                let operator = self.operator();
                format!("({left} {operator} {right})")
            }
            6..=9 => self.call(depth),
            10 => {
                let operator = self.one(&["!", "not ", "-", "+"]);
                format!("{operator}{}", self.expression(below))
            }
            11 => {
                let (condition, then, otherwise) =
                    (self.expression(below), self.expression(below), self.expression(below));
                format!("({condition} ? {then} : {otherwise})")
            }
            12 => format!("[{}, {}]", self.expression(below), self.expression(below)),
            13 => {
                let piped = self.one(&[
                    "len()",
                    "string()",
                    "sum()",
                    "max()",
                    "first()",
                    "asInt()",
                    "filter(# != nil)",
                    "map(#)",
                ]);
                format!("{} | {piped}", self.expression(below))
            }
            14 if self.closures == 0 => {
                let value = self.expression(below);
                let name = self.variables;
                self.variables += 1;
                let body = self.expression(below);
                self.variables -= 1;
                format!("(let x{name} = {value}; {body})")
            }
            14 => self.atom(),
            _ => {
                let index = self.expression(below);
                let base = self.expression(below);
                match self.below(3) {
                    0 => format!("({base})[{index}]"),
                    1 => format!("({base})?.[{index}]"),
                    _ => format!("({base})[{index}:]"),
                }
            }
        }
    }
}

//! Expressions made at random, most of them wrong in some way, and what both make of them.

mod typed;
mod wild;

use crate::answers::answer;
use crate::oracle::Oracle;
use crate::table::shown;
use serde_json::{Value as Json, json};
use typed::Want;

/// A generator of expressions with a seed.
struct Maker {
    state: u64,
    /// How many closures are open.
    closures: u32,
    /// How many variables there are.
    variables: u32,
}

impl Maker {
    fn below(&mut self, limit: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        usize::try_from(self.state % limit as u64).unwrap()
    }

    fn one<'t>(&mut self, of: &[&'t str]) -> &'t str {
        of[self.below(of.len())]
    }
}

fn results() -> Vec<Json> {
    vec![
        json!({"type": "nil"}),
        json!({"type": "nilFloat"}),
        json!({"type": "float", "value": 0.5}),
        json!({"type": "float", "value": "NaN"}),
        json!({"type": "floats", "value": [0.5, 2, -1]}),
        json!({"type": "floats", "value": []}),
        json!({"type": "string", "value": "abc"}),
        json!({"type": "json", "value": {"a": [1, 2], "v": 0.5, "list": [{"v": 1}, {"v": 2}], "none": null, "text": "12"}}),
        json!({"type": "json", "value": {"a": {"v": true}, "v": "x", "list": ["b", "a"], "none": null, "text": ""}}),
        json!({"type": "json", "value": [{"v": 1, "a": "x"}, {"v": 2, "a": "y"}]}),
        json!({"type": "json", "value": [1, "a", null, true, [2]]}),
        json!({"type": "json", "value": true}),
        json!({"type": "map", "value": {"v": 1.5, "a": "x"}}),
        json!({"type": "maps", "value": [{"v": 1}, {"v": 2}]}),
        json!({"type": "values", "value": [{"type": "int", "value": 3}, {"type": "uint", "value": 7}, {"type": "float", "value": 0.5}, {"type": "string", "value": "x"}]}),
        json!({"type": "cloudwatch", "value": [{"Id": "m", "StatusCode": "Complete", "Values": [0.1, 0.2]}, {"StatusCode": "PartialData"}]}),
    ]
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |it| {
        it.parse().unwrap_or_else(|error| panic!("{name}: {error}"))
    })
}

/// Whether the library is known to lose its way: a search from the end leaves values on its stack, which then are taken for
/// operands.
fn library_is_lost(expression: &str) -> bool {
    let filters = expression.contains("filter(");
    expression.contains("findLast") || (filters && (expression.contains("last(") || expression.contains("-1")))
}

/// Whether two answers are alike: where the library fell over its own compiler, Serin may have an answer.
fn is_alike(ours: &str, theirs: &str) -> bool {
    let without_addresses = |text: &str| {
        let mut parts = text.split("0x");
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |text, part| {
            text + "0x" + part.trim_start_matches(|it: char| it.is_ascii_hexdigit())
        })
    };
    theirs.contains("nil pointer dereference") || without_addresses(ours) == without_addresses(theirs)
}

pub(crate) fn random_expressions_give_the_same() {
    let count = number("SERIN_EXPRESSIONS", 2_000);
    let seed = number("SERIN_EXPRESSION_SEED", 1);
    let mut oracle = Oracle::start();
    let mut maker = Maker {
        state: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1,
        closures: 0,
        variables: 0,
    };
    let results = results();
    let (mut wrong, mut good) = (Vec::new(), 0);
    for _ in 0..count {
        let depth = 1 + maker.below(4);
        let result = &results[maker.below(results.len())];
        let expression = match maker.below(4) {
            0 => maker.expression(depth),
            1 => maker.typed(Want::Number, depth),
            2 => maker.typed(Want::List, depth),
            _ => maker.typed(Want::Bool, depth),
        };
        if library_is_lost(&expression) {
            continue;
        }
        let case = json!({"kind": "value", "result": result, "expression": expression});
        let theirs = shown(&oracle.ask(&case));
        let ours = shown(&answer(&case));
        good += usize::from(!theirs.starts_with("error"));
        if !is_alike(&ours, &theirs) {
            wrong.push(format!(
                "{}\n    result:  {result}\n    library: {theirs}\n    Serin:   {ours}",
                case["expression"]
            ));
        }
        // The same as a condition: phase and message.
        let verdict = json!({"kind": "expression", "result": result, "successCondition": case["expression"]});
        let (theirs, ours) = (oracle.ask(&verdict), answer(&verdict));
        if wrong.is_empty() && theirs["phase"] != ours["phase"] {
            wrong.push(format!("{verdict}\n    library: {theirs}\n    Serin:   {ours}"));
        }
    }
    println!("{count} expressions, {good} of them with a value");
    assert!(
        wrong.is_empty(),
        "{} of {count} with seed {seed}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

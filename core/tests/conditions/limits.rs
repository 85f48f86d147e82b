//! What no condition may do, and what is not done twice.

use crate::answers::now;
use serin_core::analysis::condition::{Conditions, Verdict, evaluate};
use serin_expr::Value;

/// Runs on a small stack: an overflow would end the process.
fn on_a_small_stack<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> T {
    let thread = std::thread::Builder::new().stack_size(1 << 20).spawn(run).unwrap();
    thread.join().unwrap()
}

pub(crate) fn deep_expressions_are_refused() {
    let nested = |open: &str, close: &str, levels: usize| format!("{}1{}", open.repeat(levels), close.repeat(levels));
    let deep = [
        nested("(", ")", 100_000),
        nested("[", "]", 100_000),
        nested("{a: ", "}", 100_000),
        nested("-", "", 100_000),
        nested("not ", "", 100_000),
        nested("all([1], ", ")", 100_000),
        nested("1 + ", "", 100_000),
        nested("", " + 1", 100_000),
        "result".to_owned() + &".a".repeat(100_000),
        "result".to_owned() + &"?.a".repeat(100_000),
        nested("[1]", "[0]", 100_000),
        nested("1 ** ", "", 100_000),
        nested("true ? ", " : 1", 100_000),
        nested("", " ? 1 : 2", 100_000),
        nested("let a = 1; ", "", 100_000),
        nested("if true { ", " } else { 1 }", 100_000),
        nested("if true { 1 } else ", "", 100_000),
        nested("", " | len()", 100_000),
        nested("", " == 1", 100_000),
        nested("1 < (1 < ", ") < 1", 100),
        nested("", " < 1", 100_000),
        "(".repeat(1_000_000),
        "[1, ".repeat(1_000_000),
    ];
    for text in deep {
        let shown: String = text.chars().take(40).collect();
        let given = on_a_small_stack(move || evaluate(&text, &Value::Nil, now()));
        let error = given.expect_err(&shown);
        assert!(error.starts_with("compilation failed: "), "{shown}: {error}");
    }
    // As deep as it may be.
    for text in [
        nested("(", ")", 190),
        nested("[", "]", 190),
        nested("-", "", 190),
        nested("", " + 1", 390),
        nested("1 + ", "", 190),
        nested("let a = ", "; a", 1),
    ] {
        let shown: String = text.chars().take(40).collect();
        on_a_small_stack(move || evaluate(&text, &Value::Nil, now())).expect(&shown);
    }
}

pub(crate) fn long_runs_end() {
    let many = Value::floats((0..100_000).map(f64::from));
    for text in [
        "all(1..1000, all(1..1000, all(1..1000, true)))",
        "reduce(1..60, #acc + #acc, \"x\")",
        "reduce(1..60, concat(#acc, #acc), [1])",
        "all(1..100000, [# in result] != [])",
        "len(uniq(result)) > 0",
        "repeat(\"x\", 1000000) == \"\"",
        "1..1000000",
        "all(result, string(result) != \"\")",
        "all(1..100000, toJSON(result) != \"\")",
        "reduce(1..100, replace(#acc, \"x\", \"xxxxxxxxxx\"), \"x\")",
        "any(1..1000000000, # > 3)",
        "all(1..900000, \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\" matches \"(a*)*b\" == false)",
        "all(1..900000, \"x\" matches string(#) == false)",
    ] {
        let error = evaluate(text, &many, now()).expect_err(text);
        assert!(error.contains("budget exceeded"), "{text}: {error}");
    }
}

pub(crate) fn a_condition_is_compiled_again_for_another_type() {
    let mut conditions = Conditions::new("result >= 0.95", "");
    let judge = |conditions: &mut Conditions, value: Value| conditions.judge(&value, now());
    assert_eq!(judge(&mut conditions, 1.0.into()), Ok(Verdict::Successful));
    assert_eq!(judge(&mut conditions, 0.5.into()), Ok(Verdict::Failed));
    let error = judge(&mut conditions, Value::floats([1.0])).unwrap_err();
    assert!(error.ends_with("(mismatched types []float64 and float64)"), "{error}");
    let error = judge(&mut conditions, Value::Nil).unwrap_err();
    assert!(error.ends_with("no data returned from the metric provider"), "{error}");
    assert_eq!(judge(&mut conditions, 1.0.into()), Ok(Verdict::Successful));
    let conditions = Conditions::new("result >", "result < 1");
    assert_eq!(conditions.unparsable(), [("successCondition", "unexpected token EOF")]);
}

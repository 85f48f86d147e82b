//! `conform`: asks Serin's analysis engine case by case, so that it can be compared with others (contract 12).
//!
//! ```text
//! conform < case.json            one case, one answer
//! conform --lines < cases.jsonl  a case a line, an answer a line, in order
//! ```
//!
//! It calls what the controller calls, and adds no behaviour: `conditions` and `templates` call the pure functions of
//! serin-core, `engine` looks at a run as the controller does, `provider` measures with the controller's fetch layer.

mod case;
mod conditions;
mod engine;
mod provider;
mod templates;

use anyhow::{Context, Result, bail};
use case::Case;
use serde_json::{Value, json};
use std::io::{self, BufRead, Read, Write};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    serin_controller::install_tls();
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => {
            let mut text = String::new();
            io::stdin().read_to_string(&mut text)?;
            writeln!(io::stdout(), "{}", answer_to(&text).await?)?;
        }
        ["--lines"] => {
            for line in io::stdin().lock().lines() {
                let answer = match answer_to(&line?).await {
                    Ok(answer) => answer,
                    // The answers stay in the order of the cases.
                    Err(error) => json!({"error": format!("{error:#}")}),
                };
                let mut out = io::stdout();
                writeln!(out, "{answer}")?;
                out.flush()?;
            }
        }
        other => bail!("unknown words {other:?}: conform takes a case on standard input, and --lines for several"),
    }
    Ok(())
}

/// The answer to a case.
///
/// # Errors
/// If the text is no case: the kind is unknown, or a field does not decode.
async fn answer_to(text: &str) -> Result<Value> {
    let case: Value = serde_json::from_str(text).context("the case is no JSON")?;
    let case = Case::of(case)?;
    let kind = case.text("kind")?;
    match kind.as_str() {
        "expression" => conditions::expression(&case),
        "time" => conditions::time(&case),
        "provider" => provider::answer(&case).await,
        "engine" => engine::answer(&case).await,
        "" => bail!("kind: missing"),
        kind => match templates::answer(kind, &case)? {
            Some(answer) => Ok(answer),
            None => bail!("kind: there is no kind {kind:?}"),
        },
    }
}

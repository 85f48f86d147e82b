#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use super::*;

fn plain(stderr: &str) -> String {
    words(stderr.as_bytes(), &Graph::empty(Path::new("o")))
}

/// kustomize and kubectl say the same in different forms.
#[test]
fn one_form_for_all_programs() {
    for text in [
        "Error: it is \"so\"\n",
        "error: it is \"so\"\n",
        "E1201 12:56:41.936581   10497 run.go:72] \"command failed\" err=\"it is \\\"so\\\"\"\n",
        "E1201 12:56:41.936581   10497 run.go:72] \"command failed\" err=<\n\tit is \"so\"\n >\n",
    ] {
        assert_eq!(plain(text), "it is \"so\"", "{text}");
    }
}

/// D4 and more: kustomize repeats the patch, which may be a Secret's.
#[test]
fn what_it_repeats_of_the_input_is_left_out() {
    let text = "Error: trouble configuring builtin PatchTransformer with config: `\npatch: 'canary'\ntarget:\n  kind: Secret\n`: unable to parse SM or JSON patch from [patch: \"canary\"]";
    assert_eq!(
        plain(text),
        "trouble configuring builtin PatchTransformer: unable to parse SM or JSON patch from [patch]"
    );
}

#[test]
fn the_temporary_folder_is_left_out() {
    let folder = Path::new("/tmp/serin-x/tree");
    let text = without(b"read /tmp/serin-x/tree/o/a.yaml in '/tmp/serin-x/tree'", folder);
    assert_eq!(text, b"read o/a.yaml in '.'");
}

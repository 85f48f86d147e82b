pub fn rollout(_: &crate::api::Rollout) -> Vec<String> {
    vec![]
}

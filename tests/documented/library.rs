//! The example program works unchanged.

#[path = "../../examples/plan_and_apply.rs"]
mod plan_and_apply;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_plans_and_applies_with_the_library() {
    let (before, after) = plan_and_apply::plan_and_apply().await.unwrap();
    assert_eq!(before, "Plan: 1 to add, 0 to change, 0 to adopt, 0 to delete. 12 unmanaged.");
    assert_eq!(after, "No changes. The account matches the configuration.");
}

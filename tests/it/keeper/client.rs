//! The controller's client, speaking to a real keeper.

use eco::{
    host::keeper::{Keeper, KeeperEvent},
    model::{
        AppKey, ExitStatus, Generation, KillScope, Revision, RunId, RunState, RunTag, Signal,
        SpawnStep,
    },
};

use super::world::World;

fn tag() -> RunTag {
    let key = AppKey { project: "shop".parse().unwrap(), app: "web".parse().unwrap() };
    RunTag::new(key.instance(1), Revision(7), Generation(3))
}

/// Takes events until the run's state is as told.
async fn wait_state(keeper: &mut Keeper, wanted: RunId, done: impl Fn(&RunState) -> bool) {
    loop {
        if let KeeperEvent::Record { record, .. } = keeper.next().await.unwrap()
            && record.run == wanted
        {
            assert_eq!(record.tag, tag());
            if done(&record.state) {
                return;
            }
        }
    }
}

#[tokio::test]
async fn the_client_translates() {
    let world = World::new();
    let mut keeper = Keeper::new(world.channel()).unwrap();
    keeper.hello().unwrap();
    let KeeperEvent::Hello { version, keeper_pid, recorder_pid, started } =
        keeper.next().await.unwrap()
    else {
        panic!("no hello")
    };
    assert_eq!(
        (version, i64::from(keeper_pid)),
        (eco::protocol::VERSION, world.keeper().as_raw_nonzero().get().into())
    );
    assert!(recorder_pid.is_some() && started.0.as_nanos() != 0);
    assert_eq!(keeper.next().await.unwrap(), KeeperEvent::ListEnd);

    let mut spec = world.spec(1, &["sleep"]);
    spec.tag = serde_json::to_vec(&tag()).unwrap();
    keeper.spawn(RunId(1), &spec).unwrap();
    wait_state(&mut keeper, RunId(1), |state| *state == RunState::Running).await;
    keeper.signal(RunId(1), Signal::TERM, KillScope::Group).unwrap();
    let status = ExitStatus::Signal(Signal::TERM);
    wait_state(&mut keeper, RunId(1), |state| *state == RunState::Gone(status)).await;

    keeper.spawn(RunId(1), &spec).unwrap();
    loop {
        if let KeeperEvent::Refused { run, failure } = keeper.next().await.unwrap() {
            assert_eq!((run, failure.step, failure.errno), (RunId(1), SpawnStep::Prepare, 17));
            break;
        }
    }
    spec.argv[0] = "/no/such/program".into();
    keeper.spawn(RunId(2), &spec).unwrap();
    wait_state(
        &mut keeper,
        RunId(2),
        |state| matches!(state, RunState::Failed(failure) if failure.step == SpawnStep::Exec),
    )
    .await;
    world.quit();
}

#[tokio::test]
async fn many_requests_never_block_and_tags_of_others_are_told_apart() {
    let world = World::new();
    let mut keeper = Keeper::new(world.channel()).unwrap();
    keeper.hello().unwrap();
    let mut spec = world.spec(1, &[]);
    spec.argv = vec!["true".into()];
    for run in 1..=400 {
        keeper.spawn(RunId(run), &spec).unwrap();
    }
    let mut gone = std::collections::BTreeSet::new();
    while gone.len() < 400 {
        match keeper.next().await.unwrap() {
            KeeperEvent::Foreign { run, state: RunState::Gone(status), .. } => {
                assert!(status.is_success());
                gone.insert(run);
            }
            KeeperEvent::Refused { run, failure } => panic!("{run:?}: {failure:?}"),
            KeeperEvent::Foreign { .. }
            | KeeperEvent::Hello { .. }
            | KeeperEvent::Record { .. }
            | KeeperEvent::ListEnd
            | KeeperEvent::Connections { .. }
            | KeeperEvent::Cohort { .. }
            | KeeperEvent::Declined { .. }
            | KeeperEvent::UpgradeRefused { .. }
            | KeeperEvent::Removed { .. }
            | KeeperEvent::Queue(_)
            | KeeperEvent::Said { .. }
            | KeeperEvent::Members { .. }
            | KeeperEvent::Recorder { .. } => {}
        }
    }
    for run in &gone {
        keeper.forget(*run).unwrap();
    }
    keeper.flush().await.unwrap();
    world.quit();
}

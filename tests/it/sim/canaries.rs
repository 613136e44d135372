//! Changes whose first instances prove themselves under a share of the connections.

use eco::model::{OnFailure, Share};

use super::{
    fixtures::{live, ms},
    keeper::Nature,
    rollouts::{crashing, release, serving, sharing, told, web},
    schedules::start,
};

#[test]
fn two_of_five_come_first() {
    let mut world = sharing(5, |spec| {
        spec.rollout.canary = Some(Share::Percent(30));
        spec.rollout.max_surge = Share::Count(3);
    });
    world.edit(&web(), release("b"));
    insta::assert_snapshot!(told(&mut world, 20_000));
}

#[test]
fn one_beside_the_only_one_gets_its_share() {
    let mut world = sharing(1, |spec| spec.rollout.canary = Some(Share::Percent(5)));
    world.edit(&web(), release("b"));
    insta::assert_snapshot!(told(&mut world, 20_000));
}

#[test]
fn a_number_counts_as_that_many_beside_the_former_ones() {
    let mut world = sharing(3, |spec| spec.rollout.canary = Some(Share::Count(1)));
    world.edit(&web(), release("b"));
    insta::assert_snapshot!(told(&mut world, 20_000));
}

#[test]
fn one_that_crashes_is_undone_before_any_other_is_replaced() {
    let mut world = sharing(4, |spec| {
        spec.rollout.canary = Some(Share::Count(1));
        spec.rollout.max_surge = Share::Percent(100);
    });
    world.natures.push_back(crashing(700));
    world.edit(&web(), release("b"));
    insta::assert_snapshot!(told(&mut world, 20_000));
    assert_eq!(serving(&world), 4);
}

#[test]
fn without_a_shared_port_one_is_replaced_first_all_the_same() {
    let mut world = sharing(4, |spec| {
        spec.listen = None;
        spec.ready.probe = eco::model::ReadyProbe::Started;
        spec.rollout.canary = Some(Share::Count(1));
        spec.rollout.max_surge = Share::Count(0);
        spec.rollout.max_unavailable = Share::Count(2);
    });
    world.edit(&web(), release("b"));
    insta::assert_snapshot!(told(&mut world, 20_000));
}

#[test]
fn a_controller_that_dies_meanwhile_goes_on_with_it() {
    let mut world = sharing(4, |spec| spec.rollout.canary = Some(Share::Percent(25)));
    world.edit(&web(), release("b"));
    world.run_until(world.now.after(ms(500)));
    world.die(300);
    insta::assert_snapshot!(told(&mut world, 20_000));
}

/// A canary that no longer lives has to be replaced before it can prove anything: that touches no other
/// instance. What it failed by is forgiven with `eco start`.
#[test]
fn one_that_no_longer_lives_is_replaced_itself() {
    let mut world = sharing(2, |spec| {
        spec.rollout.canary = Some(Share::Count(1));
        spec.rollout.on_failure = OnFailure::Pause;
        spec.live = Some(live(300, 2));
    });
    world.natures.push_back(Nature { hangs: Some(ms(0)), ..Nature::GOOD });
    world.edit(&web(), release("b"));
    world.run_until(world.now.after(ms(200)));
    // The former one, which would stand in for it.
    world.strike(0);
    world.run_until(world.now.after(ms(5_000)));
    start(&mut world, &web());
    insta::assert_snapshot!(told(&mut world, 20_000));
}

//! What is done, line by line, in situations everybody meets.

use eco::model::{AppKey, ExitStatus, KillScope, LimitThen, RestartWhen};

use super::{
    fixtures::{app, argv, desired, edited, key, limit, ms, spec},
    keeper::{Nature, Rest},
    world::World,
};

fn web() -> AppKey {
    key("shop", "web")
}

/// A world of one app with so many instances, all up.
fn world_of(instances: u32) -> World {
    let app = edited(&app(spec()), |spec| spec.instances = instances);
    let mut world = World::new(desired([(web(), app)]), 1);
    world.drive_all();
    world.run_until(world.now.after(ms(2_000)));
    world.log.clear();
    world
}

fn told(mut world: World, millis: u64) -> String {
    world.run_until(world.now.after(ms(millis)));
    world.log.join("\n")
}

fn edit(world: &mut World, edit: impl FnOnce(&mut eco::model::AppSpec)) {
    world.edit(&web(), edit);
}

#[test]
fn scaling_down_takes_the_highest_index_first() {
    let mut world = world_of(4);
    edit(&mut world, |spec| spec.instances = 1);
    world.run_until(world.now.after(ms(1_000)));
    world.change(&web(), |app, _| app.scale = Some(3));
    insta::assert_snapshot!(told(world, 1_000));
}

#[test]
fn a_new_revision_comes_in_one_by_one() {
    let mut world = world_of(0);
    world.natures.extend([Nature::GOOD, Nature { term: Some(ms(900)), ..Nature::GOOD }]);
    edit(&mut world, |spec| spec.instances = 2);
    world.run_until(world.now.after(ms(1_000)));
    edit(&mut world, |spec| spec.cwd = "/new".into());
    insta::assert_snapshot!(told(world, 5_000));
}

#[test]
fn what_ignores_the_request_is_killed_once() {
    let mut world = world_of(0);
    world.natures.push_back(Nature { term: None, ..Nature::GOOD });
    edit(&mut world, |spec| spec.instances = 1);
    world.run_until(world.now.after(ms(1_000)));
    world.change(&web(), |app, _| app.stopped = true);
    insta::assert_snapshot!(told(world, 60_000));
}

/// One that succeeds but not at once, one that fails, and one that does not end.
#[test]
fn a_command_stops_it_or_else_the_signal_does() {
    let mut world = world_of(0);
    let stopper = |millis, succeeds| Nature { stopper: (ms(millis), succeeds), ..Nature::GOOD };
    world.natures.extend([stopper(300, true), stopper(200, false), stopper(60_000, true)]);
    edit(&mut world, |spec| {
        spec.instances = 3;
        spec.stop.command = Some(argv(&["./stop.sh"]));
    });
    world.run_until(world.now.after(ms(1_000)));
    world.change(&web(), |app, _| app.stopped = true);
    world.run_until(world.now.after(ms(100)));
    world.die(50);
    insta::assert_snapshot!(told(world, 5_000));
}

#[test]
fn a_wrapper_that_leaves_others_behind_is_cleaned_up_first() {
    let mut world = world_of(0);
    world.natures.push_back(Nature {
        life: Some((ms(300), ExitStatus::Code(0))),
        leftover: Some(Rest { term: Some(ms(500)) }),
        ..Nature::GOOD
    });
    edit(&mut world, |spec| spec.instances = 1);
    insta::assert_snapshot!(told(world, 5_000));
}

#[test]
fn the_first_process_is_asked_and_then_the_rest() {
    let mut world = world_of(0);
    world.natures.push_back(Nature { leftover: Some(Rest { term: None }), ..Nature::GOOD });
    edit(&mut world, |spec| {
        spec.instances = 1;
        spec.stop.kill = KillScope::Main;
    });
    world.run_until(world.now.after(ms(1_000)));
    world.restart(&web(), None, false);
    insta::assert_snapshot!(told(world, 60_000));
}

#[test]
fn one_instance_is_restarted_alone() {
    let mut world = world_of(3);
    world.restart(&web(), Some(1), false);
    insta::assert_snapshot!(told(world, 5_000));
}

#[test]
fn a_crash_loop_slows_down_and_ends_when_the_program_is_mended() {
    let mut world = world_of(0);
    let crashing = Nature { life: Some((ms(10), ExitStatus::Code(1))), ..Nature::GOOD };
    world.natures.extend(vec![crashing; 6]);
    edit(&mut world, |spec| {
        spec.instances = 1;
        spec.restart.limit = Some(limit(4, 10_000, LimitThen::Slow));
    });
    insta::assert_snapshot!(told(world, 60_000));
}

#[test]
fn a_controller_that_dies_in_a_stop_goes_on_with_it() {
    let mut world = world_of(0);
    world.natures.push_back(Nature { term: None, ..Nature::GOOD });
    edit(&mut world, |spec| spec.instances = 1);
    world.run_until(world.now.after(ms(1_000)));
    world.change(&web(), |app, _| app.stopped = true);
    world.run_until(world.now.after(ms(500)));
    world.die(100);
    insta::assert_snapshot!(told(world, 60_000));
}

#[test]
fn a_program_that_did_its_work_is_left_alone_until_started() {
    let mut world = world_of(0);
    let short = Nature { life: Some((ms(200), ExitStatus::Code(0))), ..Nature::GOOD };
    world.natures.extend(vec![short; 2]);
    edit(&mut world, |spec| {
        spec.instances = 1;
        spec.restart.policy = RestartWhen::OnFailure;
    });
    world.run_until(world.now.after(ms(5_000)));
    super::schedules::start(&mut world, &web());
    insta::assert_snapshot!(told(world, 5_000));
}

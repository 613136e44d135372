//! What becomes of the screen when something reaches it.

use super::{
    event::{Effect, Link, TopEvent},
    keys, mouse,
    state::Top,
};

/// Takes in what happened, and gives what is to be done about it.
pub fn update(top: &mut Top, event: TopEvent) -> Vec<Effect> {
    match event {
        TopEvent::Status(reply, now) => top.learn(reply, now),
        TopEvent::Refused(words) => top.notice = Some(words),
        TopEvent::Link(link) => {
            if link == Link::Up && top.link != Link::Up {
                top.outbox.push(Effect::Refresh);
            }
            top.link = link;
        }
        TopEvent::Happened(event) => {
            top.happened.take(event);
            top.outbox.push(Effect::Refresh);
        }
        TopEvent::Lines(feed, lines) => top.log.take(feed, lines),
        TopEvent::Told(action, told) => top.actions.tell(action, told, top.now),
        TopEvent::Key(key) => keys::press(top, key),
        TopEvent::Mouse(mouse) => mouse::act(top, mouse),
        TopEvent::Resize(width, height) => top.size = (width, height),
    }
    top.settle();
    std::mem::take(&mut top.outbox)
}

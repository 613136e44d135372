//! Another program takes eco's place: the keeper is asked to execute it; if it does, this controller
//! ends, and the next one is of that program.

use tokio::sync::mpsc;

use super::{
    calls::Lines,
    events::{OPERATOR, Told},
    state::{Ending, State},
};
use crate::{
    api::{ApiError, DaemonUpgradeReply, DaemonUpgradeRequest, EventType, SCHEMA},
    host::program::open_program,
};

impl State {
    /// Asks the keeper for it. The answer comes when the keeper has checked the program.
    pub(super) fn upgrade(
        &mut self,
        request: &DaemonUpgradeRequest,
    ) -> Result<Lines<DaemonUpgradeReply>, ApiError> {
        let shown = request.program.display();
        let program = open_program(&request.program).map_err(|error| {
            ApiError::input("program", format!("cannot open the program {shown}: {error}"))
                .help("name the new eco: eco daemon upgrade PROGRAM")
        })?;
        if self.upgrading.is_some() {
            return Err(ApiError::refused("upgrading", "an upgrade is under way already"));
        }
        self.keeper.upgrade(program).map_err(|error| {
            ApiError::failed("keeper", format!("cannot reach the keeper: {error}"))
        })?;
        let text = format!("{shown} is to take eco's place");
        self.tell(Told::eco(EventType::Eco, text).by(OPERATOR));
        let (sender, lines) = mpsc::unbounded_channel();
        self.upgrading = Some(sender);
        Ok(lines)
    }

    /// The keeper has refused a program.
    pub(super) fn upgrade_refused(&mut self, errno: i32) {
        let Some(caller) = self.upgrading.take() else { return };
        let why = match errno {
            libc::ENOEXEC => "the new program cannot be executed".to_owned(),
            libc::EBADMSG => "the new program cannot read the state of this one".to_owned(),
            libc::ENODATA => {
                let log = self.home.controller_log();
                format!(
                    "the new program cannot read the stored projects or the journal of this one; \
                     {} says which",
                    log.display()
                )
            }
            other => std::io::Error::from_raw_os_error(other).to_string(),
        };
        self.tell(Told::eco(EventType::Eco, format!("the upgrade was refused: {why}")));
        let error = ApiError::refused("upgrade", format!("{why}; nothing was changed"))
            .help("is it an eco, for this machine, and not older than the one that runs?");
        // A caller that went away is noticed when its connection closes.
        let _ignored = caller.send(DaemonUpgradeReply { schema: SCHEMA, error: Some(error.error) });
    }

    /// The keeper says hello: another program has taken its place.
    pub(super) fn upgraded(&mut self) {
        let Some(caller) = self.upgrading.take() else { return };
        self.tell(Told::eco(EventType::Eco, "another program has taken the keeper's place"));
        let _ignored = caller.send(DaemonUpgradeReply { schema: SCHEMA, error: None });
        self.ending = Some(Ending::Upgraded);
    }
}

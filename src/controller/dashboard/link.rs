//! `eco dashboard`: makes a link that logs in once, and offers the page if no file does.

use std::net::{Ipv4Addr, SocketAddr};

use super::{
    sessions::{Grant, LINK_LIFE, Scope},
    url,
};
use crate::{
    api::{ApiError, DashboardReply, DashboardRequest, SCHEMA},
    controller::{lookup, state::State},
    host::clock,
    model::ProjectName,
};

/// Where the page is offered if nobody says where.
const DEFAULT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 9616);

impl State {
    /// Makes a link for who can call the API: he may do anything anyway.
    pub(in crate::controller) fn make_link(
        &mut self,
        request: &DashboardRequest,
    ) -> Result<DashboardReply, ApiError> {
        let named = match &request.target.project {
            Some(_) => lookup::projects(&request.target, &self.metas)?.into_iter().next(),
            None => None,
        };
        let grant = match self.offered(named.as_ref(), request) {
            Some(grant) => grant,
            None => self.asked_for(named, request)?,
        };
        if let Some(why) = self.dashboard_fault(grant.address) {
            let error = ApiError::refused("dashboard_not_offered", why);
            return Err(
                error.help("or ask for another port: `eco dashboard --listen 127.0.0.1:9617`")
            );
        }
        let (address, read_only) = (grant.address, grant.read_only);
        let projects = match &grant.scope {
            Scope::Every => self.metas.keys().map(ToString::to_string).collect(),
            Scope::Offered => {
                let inner = self.dashboard.doors.lock();
                let door = inner.doors.get(&address);
                door.into_iter()
                    .flat_map(|door| door.projects.keys())
                    .map(ToString::to_string)
                    .collect()
            }
            Scope::One(name) => vec![name.to_string()],
        };
        let mut inner = self.dashboard.doors.lock();
        let token = inner.sessions.issue(grant, clock::now()).map_err(|error| {
            ApiError::failed("random", format!("the system has no random numbers: {error}"))
        })?;
        let door = inner.doors.get(&address).cloned().unwrap_or_default();
        drop(inner);
        let url = url(address, &door.hosts, door.tls.is_some());
        let link = format!("{url}login#{token}");
        let expires = LINK_LIFE.as_secs();
        Ok(DashboardReply { schema: SCHEMA, url, link, expires, read_only, projects })
    }

    /// Where the file of the project that is meant offers the page.
    fn offered(&self, named: Option<&ProjectName>, request: &DashboardRequest) -> Option<Grant> {
        if request.listen.is_some() {
            return None;
        }
        let here = || lookup::bound_to(&request.target.dir, &self.metas);
        let meant = named.cloned().or_else(here)?;
        let policy = self.metas.get(&meant)?.dashboard.as_ref()?;
        let scope = match named {
            Some(name) => Scope::One(name.clone()),
            None => Scope::Offered,
        };
        let read_only = request.read_only || (named.is_some() && policy.read_only);
        Some(Grant { address: policy.listen, scope, read_only })
    }

    /// Offers the page where it is asked for, until the controller ends.
    fn asked_for(
        &mut self,
        named: Option<ProjectName>,
        request: &DashboardRequest,
    ) -> Result<Grant, ApiError> {
        let before = self.dashboard.asked.first().copied();
        let address = request.listen.or(before).unwrap_or(DEFAULT);
        let is_offered = self.dashboard.doors.lock().doors.contains_key(&address);
        if !address.ip().is_loopback() && !is_offered {
            let text = format!("{address} is no address of this machine alone");
            return Err(ApiError::input("exposed", text).help(
                "name it in the file, with a certificate: `dashboard: { listen: …, tls: { cert: \
                 cert.pem, key: key.pem } }`; or stay at 127.0.0.1 and use `ssh -L`",
            ));
        }
        if !is_offered {
            self.dashboard.asked.insert(address);
            self.settle_dashboard_now();
            // It is not tried again and again for somebody who was told.
            if self.dashboard_fault(address).is_some() {
                let error = self.refused_address(address);
                self.dashboard.asked.remove(&address);
                self.settle_dashboard();
                return Err(error);
            }
        }
        let scope = named.map_or(Scope::Every, Scope::One);
        Ok(Grant { address, scope, read_only: request.read_only })
    }

    fn refused_address(&self, address: SocketAddr) -> ApiError {
        let why = self.dashboard_fault(address).unwrap_or_default();
        ApiError::refused("dashboard_not_offered", why)
            .help("or name another port: `eco dashboard --listen 127.0.0.1:9617`")
    }
}

//! `traffic/…`: how rollouts share routes, and what their routers can do. What a router makes of an object is asked of the
//! core, which writes the routes ([`world`]): there is no second table here.

pub(super) mod frozen;
pub(super) mod managed_routes;
pub(super) mod port;
pub(super) mod shared_route;
pub(super) mod step_route;
pub(super) mod stickiness;
pub(super) mod verdict;
pub(super) mod world;

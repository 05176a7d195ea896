//! Simulations of whole conversations: the page, and what a person does on it.

use std::sync::Arc;

use frontgate_console_access::{Right, SignIn, Simulator};
use frontgate_console_pages::pages::{SIMULATION_PATH, SimulationPage, SimulationPhase};
use hyper::StatusCode;

use super::answers::{Answer, Refusal};
use super::simulation_process::{Phase, Simulation};
use super::{Call, Console, answers, page, problem};

/// Section of the navigation.
const SECTION: &str = "/simulator";

impl Console {
    /// Returns why the configuration or the program does not allow simulations.
    fn no_simulations(&self) -> Option<&'static str> {
        let level = self.sources.access.settings().simulator;
        match (level, cfg!(feature = "simulator")) {
            (Simulator::Full, true) => None,
            (Simulator::Full, false) => {
                Some("This program was built without simulators: the cargo feature `simulator` is off.")
            }
            (Simulator::Off, _) => Some("The configuration has console.simulator = \"off\"."),
            (Simulator::Ask, _) => Some("The configuration has console.simulator = \"ask\"."),
        }
    }

    /// Shows the simulation.
    pub(super) async fn simulation(self: &Arc<Self>, call: Call) -> Result<Answer, Refusal> {
        call.needs(Right::Change)?;
        call.needs(Right::Reveal)?;
        if call.session.sign_in == SignIn::Token {
            return Err(Refusal::TokenReads);
        }
        let tenants = self.sources.admin_pages.tenant_names().into_iter().filter(|tenant| call.session.sees(tenant));
        let mut view = SimulationPage {
            phase: SimulationPhase::None,
            tenants: tenants.collect(),
            tenant: None,
            who: None,
            reason: None,
            notice: None,
            problem: None,
            state: None,
        };
        let last = self.last_simulation(&call);
        let is_running = last.as_ref().is_some_and(|last| !matches!(last.phase(), Phase::Ended(_)));
        if let Some(reason) = self.no_simulations().filter(|_| !is_running) {
            (view.phase, view.reason) = (SimulationPhase::Off, Some(reason.to_owned()));
            return Ok(page(call, SECTION, view));
        }
        let Some(simulation) = last else { return Ok(page(call, SECTION, view)) };
        (view.tenant, view.who) = (Some(simulation.tenant.clone()), Some(simulation.who.clone()));
        match simulation.played() {
            Some(Ok(notice)) => view.notice = Some(notice),
            Some(Err(problem)) => view.problem = Some(problem),
            None => {}
        }
        match simulation.phase() {
            Phase::Starting => view.phase = SimulationPhase::Starting,
            Phase::Running(control) => {
                view.phase = SimulationPhase::Running;
                match simulation.state(&control).await {
                    Ok(state) => view.state = Some(state),
                    Err(error) => view.reason = Some(format!("{error:#}")),
                }
            }
            Phase::Ended(reason) => (view.phase, view.reason) = (SimulationPhase::Ended, reason),
        }
        Ok(page(call, SECTION, view))
    }

    /// Starts or ends a simulation, or plays an action in it.
    pub(super) async fn change_simulation(self: &Arc<Self>, call: Call, action: &str) -> Result<Answer, Refusal> {
        call.needs(Right::Change)?;
        if action == "start" {
            return self.start_simulation(call).await;
        }
        let simulation = self.last_simulation(&call).ok_or(Refusal::NotFound)?;
        if action == "end" {
            self.record_simulation(&call, "end simulation", &simulation.tenant).await?;
            simulation.end().await;
            return Ok(Answer::Ready(answers::redirect(SIMULATION_PATH)));
        }
        let Phase::Running(control) = simulation.phase() else {
            return Ok(problem(call, SECTION, "Not possible", "The simulation does not run.".to_owned()));
        };
        if simulation.play(&control, action, &call.form).await {
            return Ok(Answer::Ready(answers::redirect(SIMULATION_PATH)));
        }
        // The page has the reason.
        let shown = self.simulation(call).await?;
        Ok(match shown {
            Answer::Page { session, section, page, format, .. } => {
                Answer::Page { status: StatusCode::CONFLICT, session, section, page, format }
            }
            ready @ Answer::Ready(_) => ready,
        })
    }

    /// Returns the last simulation. That of a tenant that the person does not see does not exist for them.
    fn last_simulation(&self, call: &Call) -> Option<Arc<Simulation>> {
        self.simulations.last().filter(|last| call.session.sees(&last.tenant))
    }

    async fn start_simulation(self: &Arc<Self>, call: Call) -> Result<Answer, Refusal> {
        if let Some(reason) = self.no_simulations() {
            return Ok(problem(call, SECTION, "Simulations are off", reason.to_owned()));
        }
        let tenant = call.form("tenant").unwrap_or_default().to_owned();
        if !self.sources.admin_pages.tenant_names().contains(&tenant) {
            return Err(Refusal::NotFound);
        }
        call.needs_tenant(&tenant)?;
        if let Some(other) = self.simulations.last()
            && !call.session.sees(&other.tenant)
            && !matches!(other.phase(), Phase::Ended(_))
        {
            let text = "Another person runs a simulation. Only one can run at a time.".to_owned();
            return Ok(problem(call, SECTION, "Not possible now", text));
        }
        self.record_simulation(&call, "start simulation", &tenant).await?;
        match self.simulations.start(self.sources.reloader.file(), &tenant, &call.session.who).await {
            Ok(()) => Ok(Answer::Ready(answers::redirect(SIMULATION_PATH))),
            Err(error) => Ok(problem(call, SECTION, "The simulation was not started", format!("{error:#}"))),
        }
    }

    async fn record_simulation(&self, call: &Call, action: &str, tenant: &str) -> Result<(), Refusal> {
        let object = format!("tenant {tenant}");
        Ok(self.sources.store.record_action(&call.session.actor(), Some(tenant), action, &object, None).await?)
    }
}

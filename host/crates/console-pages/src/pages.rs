//! The pages. Each file has the view of one page and its HTML.

mod audit;
mod channels;
mod conversation;
mod deliveries;
mod delivery;
mod event;
mod live;
mod overview;
mod parts;
mod plugins;
mod question;
mod replicas;
mod setup;
mod sign_in;
mod simulation;
mod simulation_state;
mod worker_app;

pub use self::audit::{ActionRow, Audit};
pub use self::channels::{Channel, ChannelPage, Channels};
pub use self::conversation::{Conversation, Conversations, Lane, Step};
pub use self::deliveries::{Bulk, BulkPreview, BulkProgress, Deliveries, DeliveryRow, Group, StateCount};
pub use self::delivery::{Attempt, Delivery, Field};
pub use self::event::{Event, Stage};
pub use self::live::{Live, LiveRow, rows};
pub use self::overview::{Attention, CallbackRow, Level, Overview};
pub use self::parts::{By, Fact};
pub use self::plugins::{CallCounts, Plugin, PluginPage, Plugins, Receipt};
pub use self::question::{AskedAgain, AskedCall, CasePage, Compared, Comparison, Differing, Edit, Shown};
pub use self::replicas::{Replica, Replicas};
pub use self::setup::{Address, Asked, AskedVerdict, Fix, Heard, KeyUse, Refused, Setup, SetupPage, TenantSetup};
pub use self::sign_in::{Problem, enter_by_proxy, sign_in, signed_out};
pub use self::simulation::{SIMULATION_PATH, SimulationPage, SimulationPhase};
pub use self::simulation_state::{
    HeldBack, PlayedCallback, SimulatedApp, SimulatedChannel, SimulatedConversation, SimulatedDelivery, SimulatedInbox,
    SimulatedMessage, SimulatedRequest, SimulationState,
};
pub use self::worker_app::{AppCustomer, AppCustomerPage, AppExchange, AppLink, AppScreen, Simulator, WorkerApp};

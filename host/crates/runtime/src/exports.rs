//! The roles that a component exports, and their functions in an instance.

use anyhow::Context as _;
use frontgate_contract::Role;
use frontgate_contract::bindings::{
    calls, channel, channel_login, conversations, crm, crm_source, outgoing, routing, templates,
};
use frontgate_contract::{CONTRACT, VERSION};
use wasmtime::Store;
use wasmtime::component::{Component, InstancePre};

use crate::run::live_instance::LiveInstance;
use crate::run::store::CallStore;

/// Generates the fields for each role, its lookup in a component, and its lookup in an instance.
macro_rules! exports {
    ($($name:ident: $role:ident,)+) => {
        /// The roles that one component exports.
        pub(crate) struct Exports {
            $($name: Option<$name::GuestIndices>,)+
        }

        /// The functions of the roles that were looked up in one instance.
        #[derive(Default)]
        pub(crate) struct Functions {
            $($name: Option<$name::Guest>,)+
        }

        impl Exports {
            /// Finds the roles of a component, in any compatible version of the contract.
            pub(crate) fn find(component: &Component, pre: &InstancePre<CallStore>) -> anyhow::Result<Self> {
                $(let $name = exported(component, Role::$role)
                    .then(|| $name::GuestIndices::new(pre).map_err(anyhow::Error::from))
                    .transpose()
                    .with_context(|| incompatible(Role::$role))?;)+
                Ok(Self { $($name,)+ })
            }

            pub(crate) fn has(&self, role: Role) -> bool {
                match role {
                    $(Role::$role => self.$name.is_some(),)+
                }
            }

            /// Looks up every role in an instance, as calls do.
            pub(crate) fn try_all(&self, live: &mut LiveInstance) -> anyhow::Result<()> {
                $(if self.has(Role::$role) {
                    self.$name(live).map_err(anyhow::Error::from).with_context(|| incompatible(Role::$role))?;
                })+
                Ok(())
            }

            $(pub(crate) fn $name<'l>(
                &self,
                live: &'l mut LiveInstance,
            ) -> wasmtime::Result<(&'l mut Store<CallStore>, &'l $name::Guest)> {
                let LiveInstance { store, instance, functions } = live;
                let functions = match &mut functions.$name {
                    Some(functions) => functions,
                    absent => {
                        let indices = self.$name.as_ref().ok_or_else(|| {
                            wasmtime::Error::msg(concat!("no exports for role ", stringify!($name)))
                        })?;
                        absent.insert(indices.load(&mut *store, instance)?)
                    }
                };
                Ok((store, functions))
            })+
        }
    };
}

exports! {
    crm: Crm,
    templates: Templates,
    outgoing: Outgoing,
    routing: Routing,
    conversations: Conversations,
    channel: Channel,
    channel_login: ChannelLogin,
    calls: Calls,
    crm_source: CrmSource,
}

fn exported(component: &Component, role: Role) -> bool {
    let name = format!("{CONTRACT}{role}@{VERSION}");
    component.get_export_index(None, &name).is_some()
}

fn incompatible(role: Role) -> String {
    format!("exports of role {role} do not match the contract; rebuild the plugin with this gateway's SDK")
}

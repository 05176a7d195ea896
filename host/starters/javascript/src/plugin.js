// starter-name: a Frontgate plugin. Each role is an exported object of the same name.
//
// Every call runs in a fresh instance: data in memory does not survive the call. Use "frontgate:plugin/state@0.1.0" to
// store data.

export { calls } from './calls.js'; // @calls
export { channel } from './channel.js'; // @channel
export { conversations } from './conversations.js'; // @conversations
export { crm } from './crm.js'; // @crm
export { crmSource } from './crm-source.js'; // @crm-source
export { outgoing } from './outgoing.js'; // @outgoing
export { routing } from './routing.js'; // @routing
export { templates } from './templates.js'; // @templates

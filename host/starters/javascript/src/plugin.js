// starter-name: a Frontgate plugin. It exports an object for each role, under the role's name.
//
// Every call runs in a fresh instance: what is kept in memory is gone after the answer. What shall stay goes into
// "frontgate:plugin/state@0.1.0".

export { channel } from './channel.js'; // @channel
export { conversations } from './conversations.js'; // @conversations
export { crm } from './crm.js'; // @crm
export { outgoing } from './outgoing.js'; // @outgoing
export { routing } from './routing.js'; // @routing
export { templates } from './templates.js'; // @templates

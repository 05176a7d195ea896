// Role `conversations`: events of Twilio's conversations.

import { write } from 'frontgate:plugin/log@0.1.0';
import { byAddress } from './customers.js';

export const conversations = {
  onConversationAdd({ addresses }) {
    const customer = addresses.map(byAddress).find((customer) => customer);
    return { friendlyName: customer?.displayName, avatar: customer?.avatar };
  },

  onParticipantAdded({ address }) {
    const customer = address ? byAddress(address) : undefined;
    if (!customer) return null;
    return { customerId: customer.customerId, displayName: customer.displayName, avatar: customer.avatar };
  },

  onMessageAdd(message) {
    // Or { tag: 'change', val: { body: '...' } }, or { tag: 'reject', val: 'why' }.
    return { tag: 'accept' };
  },

  onEvent({ eventType }) {
    // Never log customers' names, numbers or texts.
    write('debug', `${eventType} occurred`);
  },
};

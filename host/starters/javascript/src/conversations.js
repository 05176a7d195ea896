// Role `conversations`: events of Twilio's conversations.

import { write } from 'frontgate:plugin/log@0.1.0';
import { byAddress } from './customers.js';

export const conversations = {
  onConversationAdd({ addresses }) {
    const customer = addresses.map(byAddress).find((customer) => customer);
    if (!customer) return { tag: 'accept' };
    // Or { tag: 'reject', val: 'why' }.
    return { tag: 'change', val: { friendlyName: customer.displayName, avatar: customer.avatar } };
  },

  onConversationUpdate(conversation) {
    // Or { tag: 'change', val: { friendlyName: '...' } }, or { tag: 'reject', val: 'why' }.
    return { tag: 'accept' };
  },

  onConversationRemove(conversation) {
    // Or { tag: 'reject', val: 'why' }.
    return { tag: 'accept' };
  },

  onParticipantAdd(participant) {
    return { tag: 'accept' };
  },

  onParticipantUpdate(participant) {
    return { tag: 'accept' };
  },

  onParticipantRemove(participant) {
    return { tag: 'accept' };
  },

  onParticipantAdded({ address }) {
    const customer = address ? byAddress(address) : undefined;
    if (!customer) return null;
    const { customerId, displayName, avatar } = customer;
    // With `overwrite`, these values replace attributes that are already set.
    return { customerId, displayName, avatar, overwrite: false };
  },

  onMessageAdd(message) {
    // Or { tag: 'change', val: { body: '...' } }, or { tag: 'reject', val: 'why' }.
    return { tag: 'accept' };
  },

  onMessageUpdate(message) {
    // Check the text here too: a message can be edited after it was sent.
    return { tag: 'accept' };
  },

  onMessageRemove(message) {
    return { tag: 'accept' };
  },

  onUserUpdate(user) {
    return { tag: 'accept' };
  },

  onEvent({ eventType }) {
    // Never log customers' names, numbers or texts.
    write('debug', `${eventType} occurred`);
  },
};

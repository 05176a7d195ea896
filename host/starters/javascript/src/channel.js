// Role `channel`: messages between Front and a provider. This example has no provider: `send` only returns ids, and
// `receive` accepts a text with two headers.

import { write } from 'frontgate:plugin/log@0.1.0';
import { decode } from './text.js';

export const channel = {
  connect({ channelId }) {
    // Check the credential here, and register `webhookUrl` with the provider.
    write('info', `channel ${channelId} is connected`);
  },

  listAddresses(credential, pageToken) {
    return { addresses: [{ value: '+12025550199', name: 'Main number' }] };
  },

  listTemplates(connection, pageToken) {
    // Return the provider's approved messages, if it has any. Teammates can choose them in Front.
    return { templates: [] };
  },

  send(connection, { conversationIds, to, idempotencyKey }) {
    // Call the provider's API here, with the idempotency key if it accepts one. `unavailable` is retried; every other
    // error is final, and the teammate sees its text.
    const conversation = conversationIds[0] ?? to[0]?.handle;
    if (conversation === undefined) throw { tag: 'invalid', val: 'the message has no recipient' };
    return { externalId: `sent-${idempotencyKey}`, externalConversationId: conversation, events: [] };
  },

  checkSent(connection, message) {
    // Ask the provider whether it has the message. Otherwise the status is unknown.
    return { tag: 'unknown' };
  },

  receive(connection, { headers, body }) {
    // First verify the provider's signature (`webhook-signatures`): anyone can send this request.
    const header = (wanted) => headers.find(({ name }) => name === wanted)?.value;
    const [id, from] = [header('message-id'), header('from')];
    if (!id || !from) return { response: { status: 400, headers: [], body: [] }, events: [] };
    const message = {
      externalId: id,
      externalConversationId: from,
      sender: { handle: from },
      // Use `plain` for text that a person typed: Front shows it literally, never as HTML.
      body: { tag: 'plain', val: decode(body) },
      files: [],
    };
    return { response: { status: 204, headers: [], body: [] }, events: [{ tag: 'inbound', val: message }] };
  },

  disconnect(connection) {},

  check(connection) {},
};

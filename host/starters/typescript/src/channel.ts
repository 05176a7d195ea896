// Role `channel`: messages between Front and a provider. There is no provider here: what goes out is said to be sent,
// and what comes in is a text with two headers.

import type { Channel, Error, InboundMessage } from 'frontgate:plugin/channel@0.1.0';
import { write } from 'frontgate:plugin/log@0.1.0';
import { decode } from './text.js';

export const channel: Channel = {
  connect({ channelId }) {
    // A good place to try the credential, and to tell the provider about `webhookUrl`.
    write('info', `channel ${channelId} is connected`);
  },

  listAddresses(credential, pageToken) {
    return { addresses: [{ value: '+12025550199', name: 'Main number' }] };
  },

  send(connection, { conversationIds, to, idempotencyKey }) {
    // Here the provider's API is called, with the idempotency key if it takes one. `unavailable` is tried again; every
    // other error is for good, and its text is shown to the teammate.
    const conversation = conversationIds[0] ?? to[0]?.handle;
    if (conversation === undefined) throw { tag: 'invalid', val: 'the message has no recipient' } satisfies Error;
    return { externalId: `sent-${idempotencyKey}`, externalConversationId: conversation, events: [] };
  },

  checkSent(connection, message) {
    // Ask the provider whether it has the message; without an answer nobody can tell.
    return { tag: 'unknown' };
  },

  receive(connection, { headers, body }) {
    // First of all, check the provider's signature (`webhook-signatures`): anybody may have sent this.
    const header = (wanted: string) => headers.find(({ name }) => name === wanted)?.value;
    const id = header('message-id');
    const from = header('from');
    if (!id || !from) return { response: { status: 400, headers: [], body: new Uint8Array() }, events: [] };
    const message: InboundMessage = {
      externalId: id,
      externalConversationId: from,
      sender: { handle: from },
      // What a person typed is `plain`: Front shows it letter for letter, and never as HTML.
      body: { tag: 'plain', val: decode(body) },
      files: [],
    };
    return { response: { status: 204, headers: [], body: new Uint8Array() }, events: [{ tag: 'inbound', val: message }] };
  },

  disconnect(connection) {},
};

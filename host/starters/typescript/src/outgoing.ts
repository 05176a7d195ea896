// Role `outgoing`: selects the number that a new conversation is sent from.

import type { Error, Outgoing } from 'frontgate:plugin/outgoing@0.1.0';
import { get } from 'frontgate:plugin/settings@0.1.0';
import { find } from './customers.js';

export const outgoing: Outgoing = {
  proxyAddress({ worker, customerId, channel }) {
    if (!find(worker, customerId)) throw { tag: 'not-found' } satisfies Error;
    // The operator's setting `number`: [plugin.config] in plugin.toml, [plugins.named.NAME.config] in the gateway's
    // configuration.
    const number = get('number') ?? '+12025550199';
    switch (channel.kind) {
      case 'sms':
        return number;
      case 'whatsapp':
        return `whatsapp:${number}`;
      default:
        throw { tag: 'invalid', val: `no number for ${channel.kind}` };
    }
  },
};

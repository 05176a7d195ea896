// Role `outgoing`: which number of yours a new conversation is sent from.

import { get } from 'frontgate:plugin/settings@0.1.0';
import { find } from './customers.js';

export const outgoing = {
  proxyAddress({ worker, customerId, channel }) {
    if (!find(worker, customerId)) throw { tag: 'not-found' };
    // The operator sets it: `number` under [plugin.config] in plugin.toml, [plugins.named.NAME.config] there.
    const number = get('number') ?? '+12025550199';
    switch (channel.kind) {
      case 'sms':
        return number;
      case 'whatsapp':
        return `whatsapp:${number}`;
      default:
        throw { tag: 'invalid', val: `there is no number for ${channel.kind}` };
    }
  },
};

// Role `routing`: assigns new conversations of customers to workers.

import { byAddress } from './customers.js';

export const routing = {
  route({ addresses }) {
    // If another plugin has the role `crm`, call "frontgate:plugin/directory@0.1.0" instead.
    const owner = addresses.map(byAddress).find((customer) => customer)?.worker;
    if (owner) return { tag: 'worker', val: owner };
    // New customers are assigned round robin. `null` would assign the gateway's default worker.
    return { tag: 'one-of', val: ['ana@example.org', 'ben@example.org'] };
  },
};

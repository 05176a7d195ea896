// Role `routing`: which worker gets a conversation that a customer began.

import { byAddress } from './customers.js';

export const routing = {
  route({ addresses }) {
    // Where another plugin is the CRM, "frontgate:plugin/directory@0.1.0" asks it.
    const owner = addresses.map(byAddress).find((customer) => customer)?.worker;
    if (owner) return { tag: 'worker', val: owner };
    // New customers go round. `null` would leave it to the gateway's default worker.
    return { tag: 'one-of', val: ['ana@example.org', 'ben@example.org'] };
  },
};

// Role `calls`: writes an entry for each call to a CRM.

import { send } from 'frontgate:plugin/http-client@0.1.0';
import { get } from 'frontgate:plugin/settings@0.1.0';
import { encode } from './text.js';

export const calls = {
  logCall({ callSid, direction, status, worker, customerAddress, startedAt, durationSeconds, recording }) {
    // The operator's setting `crm`: [plugin.config] in plugin.toml, [plugins.named.NAME.config] in the gateway's
    // configuration.
    const crm = get('crm');
    if (!crm) throw { tag: 'failed', val: 'the setting `crm` is missing' };
    const entry = {
      direction,
      status,
      worker: worker ?? null,
      customer: customerAddress ?? null,
      started_at: startedAt ?? null,
      seconds: durationSeconds ?? null,
      recording: recording?.url ?? null,
    };
    // After a failure the gateway calls again, and the entry may exist: PUT under the call's SID replaces it.
    const answer = put(`${crm}/calls/${encodeURIComponent(callSid)}`, entry);
    if (answer.status >= 200 && answer.status < 300) return;
    const tag = answer.status === 429 || answer.status >= 500 ? 'unavailable' : 'failed';
    throw { tag, val: `the CRM answered ${answer.status}` };
  },
};

function put(url, value) {
  const headers = [{ name: 'content-type', value: 'application/json' }];
  try {
    return send({ method: 'PUT', url, headers, body: encode(JSON.stringify(value)) });
  } catch (error) {
    const { tag, val } = error.payload;
    if (tag === 'forbidden') throw { tag: 'failed', val };
    throw { tag: 'unavailable', val: `no answer from the CRM: ${tag}` };
  }
}

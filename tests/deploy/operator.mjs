// Holds ServiceMonitors and PrometheusRules against the schemas of the operator's own resource definitions.
//   node operator.mjs FILE.json...     each FILE: a JSON list of objects
import { readFileSync } from 'node:fs';
import { PrometheusRule } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PrometheusRule';
import { ServiceMonitor } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/ServiceMonitor';

const kinds = { PrometheusRule, ServiceMonitor };

function fault(object) {
  try {
    new kinds[object.kind](object).validate();
    return null;
  } catch (error) {
    return error.message;
  }
}

const planted = fault({ kind: 'ServiceMonitor', metadata: { name: 'x' }, spec: { endpoints: [{ interval: '30x' }] } });
if (!planted?.includes('interval') || !planted.includes('selector')) {
  throw new Error(`a planted fault was not found: ${planted}`);
}
let checked = 0;
for (const file of process.argv.slice(2)) {
  for (const object of JSON.parse(readFileSync(file, 'utf8')).filter(({ kind }) => kind in kinds)) {
    const message = fault(object);
    if (message) throw new Error(`${file}: ${object.kind} ${object.metadata.name}: ${message}`);
    checked += 1;
  }
}
if (checked === 0) throw new Error('there was no ServiceMonitor and no PrometheusRule');
console.log(`${checked} objects are as the Prometheus operator defines them`);

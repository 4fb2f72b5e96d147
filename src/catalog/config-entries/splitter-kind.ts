/** `ServiceSplitter`: how requests are shared between services and subsets. */
import { elementsAt, numberAt, textAt } from '../../support/json.ts';
import { notEmpty, refusedAt, unique, hundredths } from './entry-rules.ts';
import type { EntryKind, EntryRule } from './entry-table.ts';
import {
  listField,
  namespaceField,
  partitionField,
  structField,
  textField,
  weightField,
} from './field-builders.ts';
import { headers } from './shared-fields.ts';

const sum: EntryRule = (spec) => {
  const splits = elementsAt(spec, 'splits');
  const total = splits.reduce<number>((each, split) => each + hundredths(numberAt(split, 'weight')), 0);
  return splits.length === 0 || total === 10_000
    ? []
    : [refusedAt(['splits'], `have weights that sum up to ${total / 100}; they must sum up to 100`)];
};

export const serviceSplitter: EntryKind = {
  kind: 'ServiceSplitter',
  entryKind: 'service-splitter',
  plural: 'servicesplitters',
  shortNames: ['service-splitter'],
  doc: 'How requests are shared between services and subsets. The service must have an HTTP-like protocol.',
  naming: { from: 'object' },
  fields: {
    splits: listField(
      'Shares; their weights must sum up to 100.',
      structField('One share.', {
        weight: weightField('Share in percent; Consul keeps two places.'),
        service: textField('Service that answers. Default: the service itself.'),
        serviceSubset: textField('Subset of that service.'),
        namespace: namespaceField,
        partition: partitionField,
        requestHeaders: headers('the request'),
        responseHeaders: headers('the response'),
      }),
    ),
  },
  rules: [
    notEmpty('splits'),
    sum,
    (spec, own) =>
      unique(
        'splits',
        (split) => `${textAt(split, 'service') || own}\0${textAt(split, 'serviceSubset')}`,
        'service and subset',
      )(spec, own),
  ],
};

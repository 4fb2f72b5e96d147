/** `ExportedServices`: which services other clusters may use. */
import { notEmpty, noWildcard, oneFieldOf } from './entry-rules.ts';
import type { EntryKind } from './entry-table.ts';
import { listField, namespaceField, structField, textField } from './field-builders.ts';

export const exportedServices: EntryKind = {
  kind: 'ExportedServices',
  entryKind: 'exported-services',
  plural: 'exportedservices',
  shortNames: ['exported-services'],
  doc: 'Which services peers may use. Its name must be default.',
  naming: { from: 'object', only: 'default' },
  fields: {
    services: listField(
      'Services that are exported.',
      structField(
        'One service.',
        {
          name: textField('Name of the service, or * for all services.', { isRequired: true }),
          namespace: namespaceField,
          consumers: listField(
            'Who may use it.',
            structField(
              'One consumer: a peer.',
              {
                partition: textField('Admin partition that may use it.', {
                  isNotSent: true,
                  enterpriseExcept: [],
                }),
                peer: textField('Peer that may use it.', {
                  check: noWildcard,
                }),
                samenessGroup: textField('Sameness group that may use it.', { enterpriseExcept: [] }),
              },
              { rules: [oneFieldOf(['partition', 'peer', 'samenessGroup'], 'exactly one', 'denied')] },
            ),
          ),
        },
        { rules: [notEmpty('consumers')] },
      ),
    ),
  },
};

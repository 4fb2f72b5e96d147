/** What became of the admission of a config entry that is not denied: metric label, log field, and documentation. */
export const entryAdmissionReasons = {
  'entry-valid': 'the config entry has no problem of its own',
  'entry-unchanged': 'the spec of the config entry has not changed, or the object is being deleted',
  'entry-unknown': 'not the creation or change of a config entry',
} as const;

export type EntryAdmissionReason = keyof typeof entryAdmissionReasons;

/**
 * The shape of the table of kinds. Schema, validation, mapping, comparison, documentation and the random objects of the
 * tests all interpret it, so a field is described once.
 */
import type { JsonObject } from '../../support/json.ts';

/**
 * refused: Consul refuses it too, so it is never sent. denied: Consul accepts it, but it cannot work; admission denies it, and
 * what is stored already is sent. warning: it is accepted and likely wrong.
 */
export type ProblemLevel = 'refused' | 'denied' | 'warning';

/** What a rule finds, at a path below the object that the rule belongs to. */
export type RuleProblem = {
  readonly path: readonly (string | number)[];
  readonly message: string;
  readonly level: ProblemLevel;
  /** Only Consul Enterprise, or a newer Consul, knows it. */
  readonly isUnsupported?: true;
};

/**
 * Reads a value of any type: another rule reports a type that is wrong.
 *
 * @param name of the entry
 */
export type EntryRule = (value: JsonObject, name: string) => readonly RuleProblem[];

/** What is wrong with a text that is not empty; undefined when nothing is. */
type TextCheck = (text: string) => string | undefined;

type Described = {
  /** What it does, with default and unit: the description in the CRD and in the docs. Allowed values are added to it. */
  readonly doc: string;
  /** Consul's key; by default that of the field with an upper-case first letter. */
  readonly consulKey?: string;
  /** Tandem reads it, and Consul has no such key. */
  readonly isNotSent?: true;
  /** Only Consul Enterprise takes it: any value but a zero value, or one of these, is refused. */
  readonly enterpriseExcept?: readonly string[];
  /** The Consul that knows it, where 1.20 does not: refused when it is set, and not sent when it is a zero value. */
  readonly since?: string;
};

export type TextField = Described & {
  readonly type: 'string';
  /** `''` is always allowed. */
  readonly allowed?: readonly string[];
  /** Level of a value that is not allowed, or that the check finds wrong. */
  readonly level?: ProblemLevel;
  /** Consul stores it in this case, and accepts any. */
  readonly fold?: 'lower' | 'upper';
  readonly check?: TextCheck;
  /** What Consul reads when it is absent. */
  readonly absentMeans?: string;
  readonly isRequired?: true;
  /** It may hold keys or tokens: no message repeats what the entry of somebody else has here. */
  readonly isSecret?: true;
};

export type IntegerField = Described & {
  readonly type: 'integer';
  readonly least?: number;
  readonly most?: number;
  readonly level?: ProblemLevel;
  /** A pointer in Consul: 0 and absent differ. */
  readonly isPointer?: true;
  readonly absentMeans?: number;
};

export type DurationField = Described & {
  readonly type: 'duration';
  readonly isPointer?: true;
  /** What is sent when it is absent. */
  readonly sentWhenAbsent?: string;
};

export type ObjectField = Described & {
  readonly type: 'object';
  /** `{}` equals absent; otherwise it is a pointer in Consul, and they differ. */
  readonly isValue?: true;
  readonly fields: FieldTable;
  readonly rules?: readonly EntryRule[];
};

export type ListField = Described & {
  readonly type: 'list';
  readonly of: EntryField;
  /** A set by these keys of Consul: the order means nothing. */
  readonly setBy?: readonly string[];
};

/** Names that the author chooses → objects. */
export type KeyedField = Described & { readonly type: 'keyed'; readonly of: ObjectField };

export type EntryField =
  | TextField
  | IntegerField
  | DurationField
  | ObjectField
  | ListField
  | KeyedField
  | (Described & {
      readonly type: 'number';
      /** Consul keeps two places. */
      readonly isWeight?: true;
      readonly least?: number;
      readonly most?: number;
      readonly level?: ProblemLevel;
    })
  | (Described & { readonly type: 'boolean' })
  /** Base64 in the object; Consul gets the text, and answers with base64. */
  | (Described & { readonly type: 'bytes' })
  /** Names → texts, as the author writes them. */
  | (Described & { readonly type: 'map' })
  /** Anything, as the author writes it. */
  | (Described & { readonly type: 'opaque' });

export type FieldTable = { readonly [name: string]: EntryField };

/** How an entry gets its name in Consul. */
type EntryNaming =
  /** That of the object, or of the annotation `tandem/entry-name`. */
  | { readonly from: 'object'; readonly only?: string }
  /** `spec.destination.name`. */
  | { readonly from: 'destination' }
  /** Consul's entry has no name; the object must have this one. */
  | { readonly from: 'none'; readonly only: string };

export type EntryKind = {
  /** Of the custom resource: `ServiceIntentions`. */
  readonly kind: string;
  /** Of Consul: `service-intentions`. */
  readonly entryKind: string;
  readonly plural: string;
  readonly shortNames: readonly string[];
  /** Consul's community edition does not know the kind. */
  readonly enterprise?: true;
  /** Of the CRD, one sentence. */
  readonly doc: string;
  readonly naming: EntryNaming;
  readonly fields: FieldTable;
  /** About the whole `spec`. */
  readonly rules?: readonly EntryRule[];
};

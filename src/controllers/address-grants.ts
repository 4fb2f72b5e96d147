/**
 * Which service got an address last. A read of Consul from before that write was settled does not show it, so it says
 * nothing about who has the address.
 */

/** Of one book; a moment is a count of what happened in it. */
export type AddressGrants<L> = {
  /** A round of the loop begins: what the one before has written is settled. */
  readonly begin: (loop: L) => void;
  /** In the round that runs. */
  readonly give: (loop: L, address: string, name: string) => void;
  /** The moment of a read that begins now. */
  readonly readBegins: () => number;
  /** The read belongs to the round that runs: nothing older is to be used in it. */
  readonly isOfRound: (loop: L, readAt: number) => boolean;
  /** Whether a read of that moment shows it when another service than this one has got the address. */
  readonly isShown: (address: string, name: string, readAt: number) => boolean;
  /** How many addresses are remembered. */
  readonly size: () => number;
};

/** Until `settledAt`, it is not known whether Consul has it. */
type Grant = { readonly name: string; settledAt: number };

/** @param loops all that will begin rounds */
export function createAddressGrants<L>(loops: readonly L[]): AddressGrants<L> {
  /** The last ones. */
  const granted = new Map<string, Grant>();
  const ofRound = new Map<L, Grant[]>();
  const begun = new Map(loops.map((loop) => [loop, 0]));
  let moment = 0;
  /** Every read to come shows what was settled before the rounds that run. */
  const forget = (): void => {
    const oldest = Math.min(...begun.values());
    for (const [address, { settledAt }] of granted) if (settledAt <= oldest) granted.delete(address);
  };
  return {
    begin: (loop) => {
      moment += 1;
      for (const grant of ofRound.get(loop) ?? []) grant.settledAt = moment;
      ofRound.delete(loop);
      begun.set(loop, moment);
      forget();
    },
    give: (loop, address, name) => {
      const grant = { name, settledAt: Infinity };
      ofRound.set(loop, [...(ofRound.get(loop) ?? []), grant]);
      granted.set(address, grant);
    },
    readBegins: () => (moment += 1),
    isOfRound: (loop, readAt) => (begun.get(loop) ?? 0) < readAt,
    isShown: (address, name, readAt) => {
      const last = granted.get(address);
      return last === undefined || last.name === name || last.settledAt <= readAt;
    },
    size: () => granted.size,
  };
}

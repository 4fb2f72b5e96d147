/** Things that must be there all the time, looked at again and again. */

/** Id → what changes when the thing is removed and made anew: the index of its making in Consul, the UID in Kubernetes. */
export type Things = ReadonlyMap<string, string | number>;

export type Look = {
  readonly at: string;
  readonly take: () => Promise<Things>;
  /** Milliseconds between two looks. */
  readonly pause: number;
};

export type Observation = {
  /** Ends it, after one look more at each place: what was missing or made anew, a line each, and the number of looks. */
  readonly end: () => Promise<{ readonly losses: readonly string[]; readonly looks: number }>;
};

/** Resolves when it has begun. Everything that a place has at the first look must stay there. */
export async function observe(looks: readonly Look[]): Promise<Observation> {
  const losses = new Set<string>();
  let count = 0;
  let isEnding = false;
  const first = await Promise.all(looks.map(({ take }) => take()));
  const watch = async ({ at, take, pause }: Look, before: Things): Promise<void> => {
    for (let isLast = false; !isLast;) {
      isLast = isEnding;
      const now = await take();
      for (const [id, made] of before) {
        if (!now.has(id)) losses.add(`${id} was missing at ${at}`);
        else if (now.get(id) !== made) losses.add(`${id} was made anew, seen at ${at}`);
      }
      count += 1;
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  };
  const running = Promise.all(looks.map((look, index) => watch(look, first[index] ?? new Map())));
  return {
    end: async () => {
      isEnding = true;
      await running;
      return { losses: [...losses], looks: count };
    },
  };
}

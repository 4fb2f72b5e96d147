/** The Chrome DevTools Protocol over a WebSocket: commands, their answers, and events. */

export type Session = {
  /** Throws with the error of the browser. */
  readonly send: (method: string, params?: object) => Promise<Answer>;
  /** Calls the listener with the parameters of each such event. */
  readonly on: (method: string, listener: (params: Answer) => void) => void;
  /** The parameters of the next such event. */
  readonly next: (method: string) => Promise<Answer>;
};

/** What the browser says is looked into by the tests, and each knows the form of what it asked for. */
// oxlint-disable-next-line typescript/no-explicit-any
export type Answer = any;

export type Devtools = {
  /** Of the browser itself, or of the target with this session id. */
  readonly session: (id?: string) => Session;
  readonly close: () => void;
};

type Message = {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Answer;
  readonly result?: Answer;
  readonly error?: { readonly message: string };
  readonly sessionId?: string;
};

/** @param url as the browser wrote it: `ws://127.0.0.1:…/devtools/browser/…` */
export async function openDevtools(url: string): Promise<Devtools> {
  const socket = new WebSocket(url);
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve, { once: true });
    socket.addEventListener('error', () => reject(new Error(`no DevTools at ${url}`)), { once: true });
  });
  const waiting = new Map<number, (message: Message) => void>();
  const listeners = new Set<(message: Message) => void>();
  let last = 0;
  socket.addEventListener('message', ({ data }) => {
    const message = JSON.parse(String(data)) as Message;
    if (message.id === undefined) for (const listener of listeners) listener(message);
    else waiting.get(message.id)?.(message);
    waiting.delete(message.id ?? 0);
  });
  socket.addEventListener('close', () => {
    for (const answer of waiting.values()) answer({ error: { message: 'the browser is gone' } });
  });
  const session = (sessionId?: string): Session => {
    const on: Session['on'] = (method, listener) =>
      void listeners.add((message) => {
        if (message.method === method && message.sessionId === sessionId) listener(message.params);
      });
    return {
      send: (method, params = {}) =>
        new Promise((resolve, reject) => {
          last += 1;
          waiting.set(last, ({ error, result }) => {
            if (error === undefined) resolve(result);
            else reject(new Error(`${method}: ${error.message}`));
          });
          socket.send(JSON.stringify({ id: last, method, params, sessionId }));
        }),
      on,
      next: (method) => new Promise((resolve) => on(method, resolve)),
    };
  };
  return { session, close: () => socket.close() };
}

/** A real Chromium, driven as a reader drives it: by keys, by the pointer, and by looking. */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { partPath } from '../parts.ts';
import { openDevtools, type Answer, type Devtools, type Session } from './devtools.ts';
import type { ProcessSpec, RunningProcess } from './processes.ts';

export type Browser = {
  /** A window of its own. It shares cookies and storage with the others, of which the pages here have none. */
  readonly page: (options?: PageOptions) => Promise<Page>;
  readonly close: () => Promise<void>;
};

export type PageOptions = {
  readonly width?: number;
  readonly height?: number;
  readonly scheme?: 'light' | 'dark';
  readonly isScriptOff?: boolean;
};

export type Page = Session & {
  /** Resolves when it is loaded. What was asked for and said before is forgotten. */
  readonly go: (url: string) => Promise<void>;
  readonly reload: () => Promise<void>;
  /** The value of an expression in the page, which may be a promise. */
  readonly look: <T>(expression: string) => Promise<T>;
  /** The first value of the expression that is not empty, also of a document that takes the place of this one. */
  readonly until: <T = unknown>(expression: string) => Promise<T>;
  /** `Tab`, `Enter`, `Escape`, `ArrowRight`; with Shift when asked. */
  readonly press: (key: string, isShifted?: boolean) => Promise<void>;
  readonly type: (text: string) => Promise<void>;
  readonly resize: (width: number, height: number) => Promise<void>;
  readonly scheme: (scheme: 'light' | 'dark', isMotionReduced?: boolean) => Promise<void>;
  /** PNG of what a reader sees, or of the whole page. */
  readonly picture: (path: string, isWhole?: boolean) => Promise<void>;
  /** URLs of all requests since the last `go`, in their order; without those of `data:`. */
  readonly requests: () => readonly string[];
  /** What the console, the content security policy and uncaught errors said since the last `go`. */
  readonly complaints: () => readonly string[];
  readonly close: () => Promise<void>;
};

const SWITCHES = [
  '--headless=new',
  '--remote-debugging-port=0',
  '--no-first-run',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-crash-reporter',
  '--disable-sync',
  '--no-proxy-server',
  '--hide-scrollbars',
  // Fatal errors only; others are of a desktop that is not there.
  '--log-level=3',
];

// Much more than anything takes here, so that a busy machine fails no test.
const PATIENCE = 60_000;

/** @param start of the scene, or of the processes; @param folder for its profile */
export async function startChromium(
  start: (spec: ProcessSpec) => Promise<RunningProcess>,
  folder: string,
): Promise<Browser> {
  const profile = mkdtempSync(join(folder, 'chromium-'));
  // Written when the port is open: the port, and the path.
  const address = (): readonly string[] =>
    readFileSync(join(profile, 'DevToolsActivePort'), 'utf8').split('\n');
  const root = userInfo().uid === 0 ? ['--no-sandbox'] : [];
  const browser = await start({
    name: 'chromium',
    command: partPath('chromium'),
    args: [...SWITCHES, ...root, `--user-data-dir=${profile}`, 'about:blank'],
    environment: { HOME: profile, LANG: 'C.UTF-8' },
    ready: async () => address().length > 1,
  });
  const [port, path] = address();
  const devtools = await openDevtools(`ws://127.0.0.1:${port}${path}`);
  return {
    page: (options = {}) => openPage(devtools, options),
    close: async () => {
      const { send } = devtools.session();
      await send('Browser.close').catch(() => undefined);
      await browser.exited;
      devtools.close();
    },
  };
}

async function openPage(devtools: Devtools, options: PageOptions): Promise<Page> {
  const { width = 1400, height = 900, scheme = 'light', isScriptOff = false } = options;
  const { send: ask } = devtools.session();
  // In the profile of the browser: one more of those costs three quarters of a second of a processor.
  const { targetId } = await ask('Target.createTarget', { url: 'about:blank', newWindow: true });
  const { sessionId } = await ask('Target.attachToTarget', { targetId, flatten: true });
  const session = devtools.session(sessionId);
  const { send, on } = session;
  const requests: string[] = [];
  const complaints: string[] = [];
  on('Network.requestWillBeSent', ({ request }) => {
    if (!request.url.startsWith('data:')) requests.push(request.url);
  });
  on('Log.entryAdded', ({ entry }) => complaints.push(`${entry.source}: ${entry.text}`));
  on('Runtime.exceptionThrown', ({ exceptionDetails }) =>
    complaints.push(`${exceptionDetails.text} ${exceptionDetails.exception?.description}`),
  );
  on('Runtime.consoleAPICalled', ({ args }) => complaints.push(`console: ${JSON.stringify(args)}`));
  for (const domain of ['Page', 'Runtime', 'Network', 'Log']) await send(`${domain}.enable`);
  await send('Emulation.setScriptExecutionDisabled', { value: isScriptOff });
  const page: Page = {
    ...session,
    ...looking(send),
    ...keys(send),
    go: (url) => {
      requests.length = 0;
      complaints.length = 0;
      return loaded(session, () => send('Page.navigate', { url }));
    },
    reload: () => loaded(session, () => send('Page.reload')),
    resize: async (across, down) => {
      const mobile = across < 600;
      await send('Emulation.setDeviceMetricsOverride', {
        width: across,
        height: down,
        deviceScaleFactor: 1,
        mobile,
      });
    },
    scheme: async (wanted, isMotionReduced = false) => {
      const features = [
        { name: 'prefers-color-scheme', value: wanted },
        { name: 'prefers-reduced-motion', value: isMotionReduced ? 'reduce' : 'no-preference' },
      ];
      await send('Emulation.setEmulatedMedia', { features });
    },
    picture: async (path, isWhole = false) => {
      const { data } = await send('Page.captureScreenshot', { captureBeyondViewport: isWhole });
      writeFileSync(path, Buffer.from(data, 'base64'));
    },
    requests: () => requests,
    complaints: () => complaints,
    close: async () => void (await ask('Target.closeTarget', { targetId })),
  };
  await page.resize(width, height);
  await page.scheme(scheme);
  return page;
}

async function loaded({ next }: Session, begin: () => Promise<Answer>): Promise<void> {
  const load = next('Page.loadEventFired');
  const { errorText } = (await begin()) ?? {};
  if (errorText !== undefined) throw new Error(errorText);
  await load;
}

function looking(send: Session['send']): Pick<Page, 'look' | 'until'> {
  const look = async <T>(expression: string): Promise<T> => {
    const { result, exceptionDetails } = await send('Runtime.evaluate', {
      expression,
      awaitPromise: true,
      returnByValue: true,
    });
    if (exceptionDetails !== undefined)
      throw new Error(`${expression}: ${exceptionDetails.exception?.description ?? exceptionDetails.text}`);
    return result.value as T;
  };
  return {
    look,
    until: async <T>(expression: string): Promise<T> => {
      const deadline = Date.now() + PATIENCE;
      while (Date.now() < deadline) {
        const waited = look<T>(waitingFor(expression)).catch((error: unknown) => {
          // The document that was waited in has gone.
          if (!/navigated|destroyed|closed/.test(String(error))) throw error;
        });
        const ending = new AbortController();
        // In a page without script no timer fires, and what waits there waits for ever.
        const given = delay(LOOK_MILLISECONDS, undefined, { signal: ending.signal }).catch(() => undefined);
        const value = await Promise.race([waited, given]);
        ending.abort();
        if (value) return value;
      }
      const text = await look<string>('document.body.innerText.slice(0, 2000)');
      throw new Error(`not in 60 s: ${expression}\n${text}`);
    },
  };
}

// A second more than a look takes in a page with script.
const LOOK_MILLISECONDS = 2000;

/** Looks at every change of the document, and now and then for what is no part of it; undefined after a second. */
function waitingFor(expression: string): string {
  return `new Promise((resolve) => {
    const observer = new MutationObserver(() => check());
    const end = (value) => { observer.disconnect(); clearInterval(often); clearTimeout(late); resolve(value); };
    const check = () => {
      let value;
      try { value = ${expression}; } catch {}
      if (value) end(value);
    };
    const often = setInterval(check, 100);
    const late = setTimeout(end, 1000);
    observer.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
    check();
  })`;
}

const KEYS: Readonly<Record<string, { readonly windowsVirtualKeyCode: number; readonly text?: string }>> = {
  Tab: { windowsVirtualKeyCode: 9 },
  Enter: { windowsVirtualKeyCode: 13, text: '\r' },
  Escape: { windowsVirtualKeyCode: 27 },
  ArrowRight: { windowsVirtualKeyCode: 39 },
  ArrowLeft: { windowsVirtualKeyCode: 37 },
};

function keys(send: Session['send']): Pick<Page, 'press' | 'type'> {
  return {
    press: async (key, isShifted = false) => {
      const { text, ...code } = KEYS[key] ?? { windowsVirtualKeyCode: 0 };
      const common = { key, code: key, modifiers: isShifted ? 8 : 0, ...code };
      await send('Input.dispatchKeyEvent', {
        type: text === undefined ? 'rawKeyDown' : 'keyDown',
        text,
        ...common,
      });
      await send('Input.dispatchKeyEvent', { type: 'keyUp', ...common });
    },
    type: async (text) => void (await send('Input.insertText', { text })),
  };
}

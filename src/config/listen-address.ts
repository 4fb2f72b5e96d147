/** `HOST:PORT` to listen on; the host may be left out, and an IPv6 address stands in brackets. */
import { parseWholeNumber } from '../support/text.ts';
import { parsed, type Flag, type Parsed } from './flag.ts';

export type ListenAddress = { readonly host: string; readonly port: number };

export function listenAddress(doc: string, fallback: ListenAddress): Flag<ListenAddress> {
  return parsed(doc, 'HOST:PORT', fallback, parseListenAddress);
}

function parseListenAddress(text: string): Parsed<ListenAddress> {
  const [, bracketed, plain = '', portText = ''] = /^(?:\[([^\]]*)\]|([^:]*)):([0-9]+)$/.exec(text) ?? [];
  const port = parseWholeNumber(portText);
  if (port === undefined || port > 65535)
    return { ok: false, expected: 'HOST:PORT, such as 127.0.0.1:8443 or [::]:8443' };
  return { ok: true, value: { host: (bracketed ?? plain) || '0.0.0.0', port } };
}

/** What a consumer of Consul sees, and when: blocking queries. */

/** Resolves when the answer says so; the first question is asked at once. @param url with a path, without a query */
export async function seenAtConsul(url: string, isSeen: (answer: unknown) => boolean): Promise<void> {
  for (let index = '0'; ;) {
    const response = await fetch(`${url}?index=${index}&wait=60s`);
    if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
    if (isSeen(await response.json())) return;
    index = response.headers.get('x-consul-index') ?? '0';
  }
}

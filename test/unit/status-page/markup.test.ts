/** What somebody else wrote stays text, wherever it stands. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { foreignText, markup } from '../../../src/status-page/markup.ts';

test('a value is escaped in an element and in an attribute, and markup is not escaped twice', () => {
  const hostile = `<script>alert("1")</script> & 'x'`;
  const escaped = '&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;x&#39;';
  assert.equal(markup`<p title="${hostile}">${hostile}</p>`.html, `<p title="${escaped}">${escaped}</p>`);
  assert.equal(
    markup`<p>${[markup`<b>${'<'}</b>`, markup`${1}`]}${undefined}</p>`.html,
    '<p><b>&lt;</b>1</p>',
  );
});

test('characters that nobody sees are shown, and a direction of writing ends with the text', () => {
  assert.equal(foreignText('web\u202Etxt.exe\u0000').html, String.raw`<bdi>web\u{202e}txt.exe\u{0}</bdi>`);
  assert.equal(foreignText('שלום').html, '<bdi>שלום</bdi>');
});

test('no text opens a tag, ends an attribute, or hides a character', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const { html } = markup`${text}`;
      assert.doesNotMatch(html, /[<>"']|&(?!(?:amp|lt|gt|quot|#39);)/);
      assert.doesNotMatch(html, /(?![\t\n])[\p{Cc}\p{Cf}]/u);
    }),
  );
});

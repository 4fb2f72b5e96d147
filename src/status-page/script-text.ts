/** The script of the page as text, made of the functions that the browser runs; the same in a checkout and in a bundle. */
import { applyChange, applyTable, askedBy, morph, searchByForm, showAges, startPage } from '#page-script';

const tools = { applyChange, applyTable, askedBy, morph, searchByForm, showAges };

export const script = `'use strict';
(${String(startPage)})({
${Object.entries(tools)
  .map(([name, tool]) => `${name}: ${String(tool)}`)
  .join(',\n')}
});`;

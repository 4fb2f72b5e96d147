/** The script of the page as text, made of the functions that the browser runs; the same in a checkout and in a bundle. */
import {
  applyChange,
  applyTable,
  askedBy,
  lossText,
  morph,
  searchByForm,
  showAges,
  startPage,
  takeVerdict,
} from '#page-script';

const tools = { applyChange, applyTable, askedBy, lossText, morph, searchByForm, showAges, takeVerdict };

export const script = `'use strict';
(${String(startPage)})({
${Object.entries(tools)
  .map(([name, tool]) => `${name}: ${String(tool)}`)
  .join(',\n')}
});`;

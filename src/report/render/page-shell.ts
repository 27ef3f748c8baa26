/** What every page of ours has around its content, its content security policy above all. */
import { escapeHtml } from '../../base/text/escape.js';
import { PAGE_STYLE } from './page-style.js';

/** Texts are escaped here; `main` and `scripts` are HTML already. */
export interface PageParts {
  title: string;
  subtitle: string;
  main: string;
  footer: string;
  /** Elements at the end of the body; absent = the page may run none. */
  scripts?: string;
}

/** One file that needs nothing else, not even a network: its policy forbids requests. */
export function pageOf({ title, subtitle, main, footer, scripts }: PageParts): string {
  const allowed = scripts === undefined ? '' : " script-src 'unsafe-inline';";
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none';${allowed} style-src 'unsafe-inline'; img-src data:">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>${escapeHtml(title)}</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
<header>
<h1>${escapeHtml(title)}</h1>
<p class="muted">${escapeHtml(subtitle)}</p>
</header>
<main>
${main}
</main>
<footer><p>${escapeHtml(footer)}</p></footer>${scripts === undefined ? '' : `\n${scripts}`}
</body>
</html>
`;
}

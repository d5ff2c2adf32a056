namespace FastIova.Cli;

/// <summary>The style sheet of the page: one palette for light and one for dark, told apart by lightness too.</summary>
internal static class PageStyle
{
    internal const string Sheet = """

        :root { color-scheme: light dark; --paper: #ffffff; --ink: #1f2328; --soft: #59636e; --grid: #d8dee4; --s0: #0550ae; --s1: #bc4c00; --s2: #1a7f37; --s3: #8250df; --bound: #6e7781; }
        @media (prefers-color-scheme: dark) { :root { --paper: #0d1117; --ink: #e6edf3; --soft: #9198a1; --grid: #30363d; --s0: #79c0ff; --s1: #ffa657; --s2: #7ee787; --s3: #d2a8ff; --bound: #9198a1; } }
        body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.45 system-ui, sans-serif; }
        main { max-width: 1340px; margin: 0 auto; padding: 16px; }
        h1 { font-size: 1.6em; } h2 { margin-top: 1.4em; border-bottom: 1px solid var(--grid); }
        .facts, figcaption { color: var(--soft); font-size: 0.9em; }
        .charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 520px), 1fr)); gap: 20px; }
        .small { display: grid; grid-template-columns: repeat(auto-fill, minmax(260px, 1fr)); gap: 10px; }
        figure { margin: 0; } svg { width: 100%; height: auto; display: block; }
        .grid { stroke: var(--grid); } .tick { fill: var(--soft); font-size: 12px; }
        g path { fill: none; stroke: currentColor; stroke-width: 2; } g circle { fill: currentColor; }
        .s0 { color: var(--s0); } .s1 { color: var(--s1); } .s2 { color: var(--s2); } .s3 { color: var(--s3); } .bound { color: var(--bound); }
        g.bound path { stroke-dasharray: 5 4; } g.s1 path { stroke-dasharray: 9 3; } g.s2 path { stroke-dasharray: 2 3; }
        .key { white-space: nowrap; margin-right: 0.8em; } .key::before { content: "●"; margin-right: 0.3em; }
        .scroll { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
        th, td { padding: 2px 10px; border-bottom: 1px solid var(--grid); text-align: right; } th:first-child { text-align: left; } th[scope=row] { font-weight: normal; }
        summary { cursor: pointer; margin: 1em 0 0.4em; }

        """;
}

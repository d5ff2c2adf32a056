using System.Runtime.InteropServices;

namespace FastIova.Cli;

/// <summary>The engine in a replay on one thread, in the order of the records.</summary>
/// <remarks>
/// Owns: an IOMMU with the trace's domains, and one port for each device. A step of unmaps is one call, which returns when its promise
/// holds; that removes exactly those translations from the caches of the ports, so the trace's invalidations have nothing left to do.
/// </remarks>
internal sealed class EngineReplay : IDisposable
{
    // Single pages in shorter lists than this are mapped faster in one list with their neighbours.
    private const int ScatterLeast = 16;

    // Fewer translations than this are done one by one.
    private const int BatchLeast = 3;

    private readonly ReplayProgram _program;
    private readonly Iommu _iommu = new();
    private readonly Domain[] _domains;
    private readonly DmaPort[] _ports;
    private readonly nuint[] _answers = GC.AllocateArray<nuint>(Probe.BatchLimit, pinned: true);

    /// <param name="program">The steps.</param>
    internal EngineReplay(ReplayProgram program)
    {
        _program = program;
        _domains = new Domain[program.Domains];
        _ports = new DmaPort[program.Devices];
        for (int i = 0; i < _domains.Length; i++)
        {
            _domains[i] = _iommu.CreateDomain();
        }

        for (int i = 0; i < _ports.Length; i++)
        {
            _ports[i] = _iommu.OpenPort(new DmaPortOptions { Name = program.Name, Device = (uint)i });
        }
    }

    internal DmaPort[] Ports => _ports;

    /// <summary>Takes back what the last replay left behind.</summary>
    internal void Clear()
    {
        foreach (DmaPort port in _ports)
        {
            _ = port.Detach();
        }

        foreach (Domain domain in _domains)
        {
            _ = domain.Unmap(0, domain.Options.Aperture.Last + 1);
        }
    }

    /// <summary>Replays the trace.</summary>
    /// <returns>Zero when every map and unmap was accepted and every translation had the recorded answer.</returns>
    internal ulong Run()
    {
        var clock = default(NoClock);
        return Run(ref clock);
    }

    /// <summary>Replays the trace.</summary>
    /// <param name="clock">Is told of each step.</param>
    /// <returns>Zero when everything was right.</returns>
    internal ulong Run<TClock>(ref TClock clock)
        where TClock : struct, IStepClock
    {
        ulong wrong = 0;
        foreach (ref readonly ReplayStep step in _program.Steps.AsSpan())
        {
            switch (step.Kind)
            {
                case ReplayKind.Translate:
                    wrong |= Translate(step);
                    break;
                case ReplayKind.Map:
                    wrong |= Map(step);
                    break;
                case ReplayKind.Unmap:
                    wrong |= Unmap(step.Place, _program.Spans.AsSpan(step.First, step.Count));
                    break;
                default:
                    Attach(step);
                    break;
            }

            clock.Stepped(step.Kind);
        }

        return wrong;
    }

    /// <summary>Does a step of maps: single pages in long lists scattered, all else in one list.</summary>
    internal ulong Map(in ReplayStep step)
    {
        Domain domain = _domains[step.Place];
        HostMemory memory = _program.Memory;
        ulong wrong = 0;
        int end = step.First + step.Count;
        for (int i = step.First; i < end;)
        {
            int alike = _program.Alike[i];
            if (alike >= ScatterLeast)
            {
                wrong |= (ulong)domain.TryMapScattered(_program.MapIovas.AsSpan(i, alike), memory, _program.MapHosts.AsSpan(i, alike), _program.Maps[i].Permission);
                i += alike;
            }
            else
            {
                int first = i;
                while (i < end && _program.Alike[i] < ScatterLeast)
                {
                    i++;
                }

                wrong |= (ulong)domain.TryMap(_program.Maps.AsSpan(first, i - first), memory, out _);
            }
        }

        return wrong;
    }

    /// <summary>Unmaps ranges of one domain.</summary>
    internal ulong Unmap(int place, ReadOnlySpan<IovaSpan> spans)
    {
        MapStatus status = _domains[place].TryUnmap(spans, out ulong bytes, out _);
        return (ulong)status | (bytes == 0 ? 1UL : 0);
    }

    /// <summary>Does a step that attaches or detaches.</summary>
    internal void Attach(in ReplayStep step)
    {
        if (step.Kind == ReplayKind.Attach)
        {
            _ports[step.Place].Attach(_domains[step.First]);
        }
        else
        {
            _ = _ports[step.Place].Detach();
        }
    }

    public void Dispose()
    {
        foreach (DmaPort port in _ports)
        {
            port.Dispose();
        }

        foreach (Domain domain in _domains)
        {
            domain.Dispose();
        }

        _iommu.Dispose();
    }

    private ulong Translate(in ReplayStep step)
    {
        DmaPort port = _ports[step.Place];
        ReadOnlySpan<ulong> iovas = _program.Iovas.AsSpan(step.First, step.Count);
        ReadOnlySpan<ulong> hosts = _program.Hosts.AsSpan(step.First, step.Count);
        ReadOnlySpan<Permission> access = _program.Access.AsSpan(step.First, step.Count);
        ulong wrong = 0;

        // One scope for the step: what the unmap behind it waits for is over by then.
        using DmaScope scope = port.Enter();
        if (iovas.Length < BatchLeast)
        {
            for (int i = 0; i < iovas.Length; i++)
            {
                _ = scope.TryTranslate(iovas[i], access[i], out nuint host);
                wrong |= host ^ hosts[i];
            }

            return wrong;
        }

        while (!iovas.IsEmpty)
        {
            int count = Math.Min(iovas.Length, _answers.Length);
            ReadOnlySpan<ulong> next = iovas[count..];
            _ = port.TranslateBatch(iovas[..count], _answers, access[..count], out _, next[..Math.Min(count, next.Length)]);
            wrong |= MemoryMarshal.Cast<nuint, ulong>(_answers.AsSpan(0, count)).SequenceEqual(hosts[..count]) ? 0UL : 1;
            iovas = next;
            hosts = hosts[count..];
            access = access[count..];
        }

        return wrong;
    }
}

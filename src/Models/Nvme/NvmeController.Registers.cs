namespace FastIova;

/// <content>The registers, read and written by calls or in the memory of a mapped BAR.</content>
internal sealed partial class NvmeController
{
    private static readonly int[] Writable =
    [
        NvmeRegister.AdminQueues, NvmeRegister.AdminSubmission, NvmeRegister.AdminSubmission + 4,
        NvmeRegister.AdminCompletion, NvmeRegister.AdminCompletion + 4, NvmeRegister.MaskSet, NvmeRegister.MaskClear,
    ];

    /// <summary>The word of a register; zero where there is none.</summary>
    internal uint ReadRegister(int offset) => offset switch
    {
        NvmeRegister.Capabilities => NvmeRegister.CapabilitiesLowBits,
        NvmeRegister.CapabilitiesHigh => NvmeRegister.CapabilitiesHighBits,
        NvmeRegister.Version => NvmeRegister.Version14,
        NvmeRegister.MaskSet or NvmeRegister.MaskClear => _mask,
        NvmeRegister.Configuration => _configuration,
        NvmeRegister.Status => _status,
        NvmeRegister.AdminQueues => _adminQueues,
        NvmeRegister.AdminSubmission => (uint)_adminSubmission,
        NvmeRegister.AdminSubmission + 4 => (uint)(_adminSubmission >> 32),
        NvmeRegister.AdminCompletion => (uint)_adminCompletion,
        NvmeRegister.AdminCompletion + 4 => (uint)(_adminCompletion >> 32),
        _ => 0,
    };

    /// <summary>Writes a word of a register; lost where there is none.</summary>
    internal void WriteRegister(int offset, uint value)
    {
        switch (offset)
        {
            case NvmeRegister.MaskSet:
                _mask |= value;
                SettlePin();
                break;
            case NvmeRegister.MaskClear:
                _mask &= ~value;
                SettlePin();
                break;
            case NvmeRegister.Configuration:
                Configure(value & NvmeRegister.ConfigurationBits);
                break;
            case NvmeRegister.AdminQueues:
                _adminQueues = value & 0x0FFF0FFF;
                break;
            case NvmeRegister.AdminSubmission:
                _adminSubmission = (_adminSubmission & ~0xFFFFFFFFUL) | (value & ~0xFFFu);
                break;
            case NvmeRegister.AdminSubmission + 4:
                _adminSubmission = (uint)_adminSubmission | ((ulong)value << 32);
                break;
            case NvmeRegister.AdminCompletion:
                _adminCompletion = (_adminCompletion & ~0xFFFFFFFFUL) | (value & ~0xFFFu);
                break;
            case NvmeRegister.AdminCompletion + 4:
                _adminCompletion = (uint)_adminCompletion | ((ulong)value << 32);
                break;
            default:
                break;
        }
    }

    /// <summary>Takes what a driver has written to the memory of the BAR. The configuration is read first and obeyed last: the rest belongs to it.</summary>
    internal void Look()
    {
        Span<uint> memory = Memory;
        bool configured = _words.Take(memory, NvmeRegister.Configuration / 4, out uint configuration);
        foreach (int offset in Writable)
        {
            if (_words.Take(memory, offset / 4, out uint value))
            {
                WriteRegister(offset, value);
            }
        }

        _ = _words.Take(memory, NvmeRegister.Capabilities / 4, out _);
        _ = _words.Take(memory, NvmeRegister.CapabilitiesHigh / 4, out _);
        _ = _words.Take(memory, NvmeRegister.Version / 4, out _);
        _ = _words.Take(memory, NvmeRegister.Status / 4, out _);
        if (configured)
        {
            WriteRegister(NvmeRegister.Configuration, configuration);
        }

        Show();
    }

    /// <summary>Shows the registers in the memory of the BAR.</summary>
    internal void Show()
    {
        Span<uint> memory = Memory;
        for (int offset = 0; offset < NvmeRegister.End; offset += sizeof(uint))
        {
            // What clears the mask reads as zero here, so that the same order can come twice.
            _words.Show(memory, offset / 4, offset == NvmeRegister.MaskClear ? 0 : ReadRegister(offset));
        }
    }

    /// <summary>A driver rang at a queue that does not exist.</summary>
    internal void ReportDoorbell(byte what)
    {
        if (IsServing)
        {
            _events.Add(NvmeEvents.ErrorType, what, NvmeLog.Errors);
        }
    }

    /// <summary>Whether a doorbell has a queue.</summary>
    internal bool HasDoorbell(int queue, bool completion) =>
        (uint)queue < (uint)_submissions.Length && (completion ? _completions[queue] is not null : _submissions[queue] is not null);

    private void Configure(uint configuration)
    {
        uint before = _configuration;
        _configuration = configuration;
        if (((before ^ configuration) & NvmeRegister.Enable) != 0)
        {
            if ((configuration & NvmeRegister.Enable) != 0)
            {
                Start();
            }
            else
            {
                Stop();
            }
        }

        if (NvmeRegister.Shutdown(configuration) == 0)
        {
            _status &= ~(3u << 2);
        }
        else if (NvmeRegister.Shutdown(before) == 0)
        {
            // Commands are carried out in one go, so none is left; what was written is made to last.
            _status |= _namespace.Medium.Flush() ? NvmeRegister.ShutdownComplete : NvmeRegister.ShutdownComplete | NvmeRegister.Fatal;
        }
    }

    private void Start()
    {
        uint submissions = (_adminQueues & 0xFFF) + 1;
        uint completions = (_adminQueues >> 16) + 1;
        int pageLg2 = NvmeRegister.PageLg2(_configuration);
        ulong inPage = (1UL << pageLg2) - 1;
        bool good = submissions >= 2 && completions >= 2
            && pageLg2 <= 12 + NvmeRegister.PagesMostLg2
            && NvmeRegister.CommandSet(_configuration) == 0
            && NvmeRegister.Arbitration(_configuration) == 0
            && ((_adminSubmission | _adminCompletion) & inPage) == 0;
        if (!good)
        {
            Fail();
            return;
        }

        _pageLg2 = pageLg2;
        _completions[0] = new NvmeCompletionQueue(0, _adminCompletion, completions, interrupts: true, vector: 0) { Users = 1 };
        _submissions[0] = new NvmeSubmissionQueue(0, _adminSubmission, submissions, _completions[0]!);
        _status = NvmeRegister.Ready;
    }
}

namespace FastIova.KernelTraces;

/// <summary>What lines show of the memory that their pointers name.</summary>
internal static class Payloads
{
    private const int MessageSize = 90;
    private const int StructSizeAnswered = 24;

    internal static void Ranges(CallOutcome call, TraceAnswer answer)
    {
        if ((call.Result == 0 || call.Error == MessageSize) && call.Input("allowed_iovas") == UserMemory.Scratch && call.Line.PointerMode == 0)
        {
            ulong ranges = Math.Min(Math.Min(call.Input("num_iovas"), call.Output("num_iovas")), 16);
            if (ranges != 0)
            {
                AddScratch(answer, "dout", 2 * (int)ranges);
            }
        }
    }

    internal static void DirtyBitmap(CallOutcome call, TraceAnswer answer)
    {
        if (call.Result != 0 || call.Input("data") != UserMemory.Scratch)
        {
            return;
        }

        ulong pageSize = call.Input("page_size");
        ulong bits = pageSize == 0 ? 0 : call.Input("length") / pageSize;
        ulong words = (bits + 63) / 64;
        if (words <= 8)
        {
            AddScratch(answer, "dout", (int)words);
        }
        else if (words <= UserMemory.ScratchBytes / 8)
        {
            answer.AddWords("dhash", [UserMemory.HashBytes(UserMemory.Scratch, words * 8)]);
        }

        call.Memory.UsedScratch(words * 8);
    }

    internal static void HardwareInfo(CallOutcome call, TraceAnswer answer)
    {
        if (call.Result == 0 && call.Input("data_uptr") == UserMemory.Scratch)
        {
            AddScratch(answer, "dout", 3);
        }

        call.Memory.UsedScratch(UserMemory.ScratchBytes);
    }

    internal static void VirtualIommu(CallOutcome call, TraceAnswer answer)
    {
        if (call.Input("data_uptr") == UserMemory.Scratch && call.Line.PointerMode == 0)
        {
            AddScratch(answer, "dout", 3);
        }
    }

    internal static void AccessRead(CallOutcome call, TraceAnswer answer)
    {
        const ulong Write = 1;
        ulong length = call.Input("length");
        if (call.Result == 0 && (call.Input("flags") & Write) == 0 && call.Input("uptr") == UserMemory.Scratch && length <= UserMemory.ScratchBytes)
        {
            answer.AddWords("dhash", [UserMemory.HashBytes(UserMemory.Scratch, length)]);
        }

        call.Memory.UsedScratch(length);
    }

    // The chain of capabilities follows the struct.
    internal static void VfioInfo(CallOutcome call, TraceAnswer answer)
    {
        ulong size = call.Line.StructSize;
        if (call.Result == 0 && call.Line.PointerMode == 0 && (uint)UserMemory.Words(call.StructAddress, 1)[0] > StructSizeAnswered && size >= 32)
        {
            answer.AddWords("dout", UserMemory.Words(call.StructAddress + StructSizeAnswered, (int)(Math.Min(size, 200) - StructSizeAnswered) / 8));
        }
    }

    /// <summary>What a read put into the scratch buffer.</summary>
    internal static void ReadBytes(CallOutcome call, TraceAnswer answer)
    {
        if (call.Result > 0)
        {
            AddScratch(answer, "dout", (int)((call.Result + 7) / 8));
        }
    }

    private static void AddScratch(TraceAnswer answer, string name, int words) => answer.AddWords(name, UserMemory.Words(UserMemory.Scratch, words));
}

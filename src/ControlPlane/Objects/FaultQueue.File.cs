using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>What the file of a fault queue does.</summary>
internal sealed partial class FaultQueue
{
    private static readonly ulong FaultBytes = (ulong)Marshal.SizeOf<PageFaultRecord>();
    private static readonly ulong AnswerBytes = (ulong)Marshal.SizeOf<PageResponseRecord>();

    /// <summary>Takes the oldest group that waits, for a user of this process.</summary>
    /// <returns>False when none waits.</returns>
    internal bool TryTake(out FaultGroup? group, out uint cookie)
    {
        lock (_lock)
        {
            cookie = 0;
            group = _waiting.First?.Value;
            if (group is null)
            {
                return false;
            }

            _waiting.RemoveFirst();
            cookie = _cookies.Take();
            _delivered.Add(cookie, group);
            return true;
        }
    }

    /// <summary>Answers a group that was delivered.</summary>
    /// <returns><see cref="Errno.Invalid"/> when the cookie names none, or the code does not exist.</returns>
    internal Errno Answer(uint cookie, PageResponseCode code)
    {
        lock (_lock)
        {
            if (code is not (PageResponseCode.Success or PageResponseCode.Invalid))
            {
                return Errno.Invalid;
            }

            if (!_delivered.Remove(cookie, out FaultGroup? group))
            {
                FreeCookieZero(cookie);
                return Errno.Invalid;
            }

            _cookies.Return(cookie);
            group.Answer(code);
            return Errno.Success;
        }
    }

    /// <remarks>What is delivered together is copied whole or not at all: a group of requests.</remarks>
    internal override long Deliver(MemorySpace memory, ulong buffer, ulong room)
    {
        if (room % FaultBytes != 0)
        {
            return -(long)Errno.IllegalSeek;
        }

        ulong done = 0;
        Errno errno = Errno.Success;
        lock (_lock)
        {
            while (_waiting.First is { } node)
            {
                FaultGroup group = node.Value;
                if (done >= room || (ulong)group.Faults.Count * FaultBytes > room - done)
                {
                    errno = Errno.Invalid;
                    break;
                }

                if (FaultPoint.Fails())
                {
                    errno = Errno.OutOfMemory;
                    break;
                }

                uint cookie = _cookies.Take();
                if (!TryCopy(group, cookie, memory, buffer + done))
                {
                    _cookies.Return(cookie);
                    errno = Errno.BadAddress;
                    break;
                }

                _waiting.Remove(node);
                _delivered.Add(cookie, group);
                done += (ulong)group.Faults.Count * FaultBytes;
            }
        }

        return done == 0 ? -(long)errno : (long)done;
    }

    internal override long TakeAnswers(MemorySpace memory, ulong buffer, ulong length)
    {
        if (length % AnswerBytes != 0)
        {
            return -(long)Errno.IllegalSeek;
        }

        ulong done = 0;
        Errno errno = Errno.Success;
        for (; done < length; done += AnswerBytes)
        {
            PageResponseRecord answer = default;
            if (!memory.TryRead(buffer + done, MemoryMarshal.AsBytes(new Span<PageResponseRecord>(ref answer))))
            {
                errno = Errno.BadAddress;
                break;
            }

            errno = Answer(answer.Cookie, answer.Code);
            if (errno != Errno.Success)
            {
                break;
            }
        }

        return done == 0 ? -(long)errno : (long)done;
    }

    // Linux gives cookies out from 1, until somebody answers 0 while a group is delivered: its table then counts 0 as free for good.
    private void FreeCookieZero(uint cookie)
    {
        if (cookie == 0 && _delivered.Count != 0 && !_isCookieZeroFree)
        {
            _isCookieZeroFree = true;
            _cookies.Return(0);
        }
    }

    private static bool TryCopy(FaultGroup group, uint cookie, MemorySpace memory, ulong buffer)
    {
        foreach (PageFault fault in group.Faults)
        {
            var record = new PageFaultRecord
            {
                Flags = fault.Flags,
                DevId = group.Handle.Device!.Id,
                Pasid = fault.Pasid,
                GrpId = fault.GroupId,
                Perm = fault.Permission,
                Addr = fault.Address,
                Cookie = cookie,
            };
            if (!memory.TryWrite(buffer, MemoryMarshal.AsBytes(new ReadOnlySpan<PageFaultRecord>(in record))))
            {
                return false;
            }

            buffer += FaultBytes;
        }

        return true;
    }
}

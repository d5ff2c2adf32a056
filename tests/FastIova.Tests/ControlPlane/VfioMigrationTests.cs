using Xunit;

namespace FastIova.Tests.ControlPlane;

public sealed class VfioMigrationTests
{
    private const uint Get = VfioDeviceConstants.FeatureGet;
    private const uint Set = VfioDeviceConstants.FeatureSet;
    private const uint Probe = VfioDeviceConstants.FeatureProbe;

    [Fact]
    public void OnlyADeviceThatWasMadeSoMigrates()
    {
        using var vfio = new VfioWorld();
        OpenFile plain = vfio.Bound(vfio.Add());
        OpenFile file = vfio.Bound(Add(vfio, "0000:02:00.0"));
        ulong flags = 0;

        foreach (VfioFeature feature in new[] { VfioFeature.Migration, VfioFeature.MigrationState, VfioFeature.MigrationDataSize, VfioFeature.DmaLoggingStart, VfioFeature.DmaLoggingStop, VfioFeature.DmaLoggingReport })
        {
            Assert.Equal(-(long)Errno.NotATypewriter, vfio.Feature(plain, feature, Probe));
        }

        Assert.Equal(-(long)Errno.Invalid, vfio.Feature(plain, VfioFeature.MigrationPrecopyInfo2, Probe));
        Assert.Equal(0, vfio.Feature(file, VfioFeature.MigrationPrecopyInfo2, Probe | Set));
        Assert.Equal(-(long)Errno.Invalid, vfio.Feature(file, VfioFeature.Migration, Set));
        Assert.Equal(0, vfio.Feature(file, VfioFeature.Migration, Get, ref flags));
        Assert.Equal(7ul, flags);
        Assert.Equal(0, vfio.Feature(file, VfioFeature.MigrationDataSize, Get, ref flags));
        Assert.Equal(20ul + 28, flags);
        Assert.Throws<ArgumentException>(() => vfio.Add(new RegisterModel(VfioWorld.Layout()), VfioWorld.At("0000:03:00.0") with { Migrates = true }));
        plain.Close();
        file.Close();
    }

    [Fact]
    public void EveryArcIsThatOfLinux()
    {
        // From each state to each other one, the states on the way (vfio_mig_get_next_state with all optional states).
        Dictionary<string, string> ways = new(StringComparer.Ordinal)
        {
            ["PreCopy StopCopy"] = "PreCopyP2P StopCopy",
            ["PreCopy RunningP2P"] = "Running RunningP2P",
            ["PreCopy Stop"] = "Running RunningP2P Stop",
            ["PreCopy Resuming"] = "Running RunningP2P Stop Resuming",
            ["PreCopyP2P Running"] = "RunningP2P Running",
            ["PreCopyP2P Stop"] = "RunningP2P Stop",
            ["PreCopyP2P Resuming"] = "RunningP2P Stop Resuming",
            ["Resuming RunningP2P"] = "Stop RunningP2P",
            ["Resuming PreCopyP2P"] = "Stop RunningP2P PreCopyP2P",
            ["Resuming Running"] = "Stop RunningP2P Running",
            ["Resuming PreCopy"] = "Stop RunningP2P Running PreCopy",
            ["Resuming StopCopy"] = "Stop StopCopy",
            ["Running PreCopyP2P"] = "RunningP2P PreCopyP2P",
            ["Running Stop"] = "RunningP2P Stop",
            ["Running Resuming"] = "RunningP2P Stop Resuming",
            ["Running StopCopy"] = "RunningP2P Stop StopCopy",
            ["RunningP2P PreCopy"] = "Running PreCopy",
            ["RunningP2P Resuming"] = "Stop Resuming",
            ["RunningP2P StopCopy"] = "Stop StopCopy",
            ["Stop PreCopyP2P"] = "RunningP2P PreCopyP2P",
            ["Stop Running"] = "RunningP2P Running",
            ["Stop PreCopy"] = "RunningP2P Running PreCopy",
            ["StopCopy Resuming"] = "Stop Resuming",
            ["StopCopy RunningP2P"] = "Stop RunningP2P",
            ["StopCopy Running"] = "Stop RunningP2P Running",
            ["StopCopy PreCopy"] = string.Empty,
            ["StopCopy PreCopyP2P"] = string.Empty,
        };
        foreach (VfioMigrationState from in Enum.GetValues<VfioMigrationState>())
        {
            foreach (VfioMigrationState to in Enum.GetValues<VfioMigrationState>().Append((VfioMigrationState)8).Where(to => to != from))
            {
                bool exists = from != VfioMigrationState.Error && to is not VfioMigrationState.Error and not (VfioMigrationState)8;
                string expected = exists ? ways.GetValueOrDefault($"{from} {to}", to.ToString()) : string.Empty;
                Assert.Equal($"{from} {to}: {expected}", $"{from} {to}: {Way(from, to)}");
            }
        }
    }

    [Fact]
    public void AStateGoesFromOneDeviceToAnother()
    {
        using var vfio = new VfioWorld();
        OpenFile source = vfio.Bound(Add(vfio, "0000:01:00.0"));
        OpenFile target = vfio.Bound(Add(vfio, "0000:02:00.0"));

        // Test 1 counts every write to its place.
        Assert.Equal(1, vfio.WriteAt(source, 0, 0, 1, 1));
        Assert.Equal(1, vfio.WriteAt(source, 0, 2049, 5, 1));
        Assert.Equal(1, vfio.WriteAt(source, 0, 2049, 5, 1));
        byte[] data = Drain(vfio, Go(vfio, source, VfioMigrationState.StopCopy));
        OpenFile written = Go(vfio, target, VfioMigrationState.Resuming);
        foreach (byte[] piece in data.Chunk(7))
        {
            Assert.Equal(piece.Length, Write(vfio, written, piece));
        }

        Assert.Equal(-(long)Errno.OutOfMemory, Write(vfio, written, new byte[1]));
        GoWithout(vfio, target, VfioMigrationState.Running);
        Assert.Equal(1ul, vfio.ReadAt(target, 0, 0, 1));
        Assert.Equal(2ul, vfio.ReadAt(target, 0, 12, 4));
        Assert.Equal(-(long)Errno.NoDevice, Write(vfio, written, [1]));
        source.Close();
        target.Close();
    }

    [Fact]
    public void WhatIsWrongIsRefusedAndTheStateStaysWhereItWas()
    {
        using var vfio = new VfioWorld();
        VfioDevice device = Add(vfio, "0000:01:00.0");
        OpenFile file = vfio.Bound(device);
        byte[] data = Drain(vfio, Go(vfio, file, VfioMigrationState.StopCopy));
        var change = new VfioMigrationChange { DeviceState = (uint)VfioMigrationState.PreCopy };
        Assert.Equal(-(long)Errno.Invalid, vfio.Feature(file, VfioFeature.MigrationState, Set, ref change));
        Assert.Equal(-1, change.DataFd);
        OpenFile written = Go(vfio, file, VfioMigrationState.Resuming);

        // The head of another device; a part of the data; and a state that cannot be.
        Assert.Equal(-(long)Errno.Invalid, Write(vfio, written, [.. data[..9], 0]));
        Assert.Equal(24, Write(vfio, written, data[..24]));
        change.DeviceState = (uint)VfioMigrationState.Stop;
        Assert.Equal(-(long)Errno.Invalid, vfio.Feature(file, VfioFeature.MigrationState, Set, ref change));
        Assert.Equal(VfioMigrationState.Resuming, StateOf(vfio, file));
        data[20] = 99;
        uint reset = 0;
        Assert.Equal(-(long)Errno.Invalid, vfio.Ioctl(file, VfioDeviceRequest.Reset, ref reset));
        file.Close();
        Assert.Equal(VfioMigrationState.Running, device.Migration!.State);
        Assert.Equal(-(long)Errno.NoDevice, Write(vfio, written, [1]));

        file = vfio.Bound(device);
        written = Go(vfio, file, VfioMigrationState.Resuming);
        Assert.Equal(data.Length, Write(vfio, written, data));
        change.DeviceState = (uint)VfioMigrationState.Running;
        Assert.Equal(-(long)Errno.Invalid, vfio.Feature(file, VfioFeature.MigrationState, Set, ref change));
        Assert.Equal(VfioMigrationState.Resuming, StateOf(vfio, file));
        file.Close();
    }

    [Fact]
    public void TheHeadCanBeReadBeforeTheDeviceStops()
    {
        using var vfio = new VfioWorld();
        OpenFile file = vfio.Bound(Add(vfio, "0000:01:00.0"));
        OpenFile data = Go(vfio, file, VfioMigrationState.PreCopy);

        Assert.Equal((0L, 16ul, 5u), Precopy(vfio, data, flags: 5));
        Assert.Equal(0, vfio.Feature(file, VfioFeature.MigrationPrecopyInfo2, Set));
        Assert.True(data.IsReadable);
        Assert.Equal(10, data.Read(vfio.World.Client, vfio.World.Data, 10));
        Assert.Equal((0L, 6ul, 0u), Precopy(vfio, data, flags: 5));
        Assert.Equal(6, data.Read(vfio.World.Client, vfio.World.Data, 10));
        Assert.False(data.IsReadable);
        Assert.Equal(-(long)Errno.NoMessage, data.Read(vfio.World.Client, vfio.World.Data, 10));
        Assert.Equal(-(long)Errno.IllegalSeek, data.ReadAt(vfio.World.Client, vfio.World.Data, 10, 0));
        Assert.Equal(-(long)Errno.IllegalSeek, data.WriteAt(vfio.World.Client, vfio.World.Data, 10, 0));
        Assert.Equal(-(long)Errno.NotATypewriter, data.Ioctl(vfio.World.Client, (uint)VfioDeviceRequest.GetInfo, vfio.World.Data));

        // The same file goes on.
        GoWithout(vfio, file, VfioMigrationState.StopCopy);
        Assert.Equal((-(long)Errno.Invalid, 0ul, 0u), Precopy(vfio, data, flags: 0));
        Assert.Equal(32, Drain(vfio, data).Length);
        Assert.Equal(0, data.Read(vfio.World.Client, vfio.World.Data, 10));
        GoWithout(vfio, file, VfioMigrationState.Running);
        Assert.Equal(-(long)Errno.NoDevice, data.Read(vfio.World.Client, vfio.World.Data, 10));
        Assert.True(data.IsReadable);
        file.Close();
    }

    [Fact]
    public void AnEduDeviceStopsInTheMiddleAndGoesOnElsewhere()
    {
        using var vfio = new VfioWorld();
        VfioDevice[] devices =
        [
            vfio.Add(new EduModel(), VfioWorld.At("0000:01:00.0") with { Migrates = true }),
            vfio.Add(new EduModel(), VfioWorld.At("0000:02:00.0") with { Migrates = true }),
        ];
        OpenFile[] files = Array.ConvertAll(devices, vfio.Bound);
        uint ioas = vfio.World.Ioas();
        Assert.Equal(Errno.Success, vfio.World.Map(ioas, 0x10000));
        foreach (OpenFile file in files)
        {
            Assert.Equal(0, vfio.Attach(file, ioas, out _));
            Assert.Equal(2, vfio.WriteAt(file, 7, 4, 6, 2));
        }

        // Ordered while it is stopped: it computes where it goes on.
        GoWithout(vfio, files[0], VfioMigrationState.RunningP2P);
        Assert.Equal(4, vfio.WriteAt(files[0], 0, 8, 5, 4));
        Assert.Equal(5ul, vfio.ReadAt(files[0], 0, 8, 4));
        Assert.Equal(1ul, vfio.ReadAt(files[0], 0, 0x20, 4));
        byte[] data = Drain(vfio, Go(vfio, files[0], VfioMigrationState.StopCopy));
        OpenFile written = Go(vfio, files[1], VfioMigrationState.Resuming);
        foreach (byte[] piece in data.Chunk(4000))
        {
            Assert.Equal(piece.Length, Write(vfio, written, piece));
        }

        GoWithout(vfio, files[1], VfioMigrationState.Running);
        Assert.True(SpinWait.SpinUntil(() => vfio.ReadAt(files[1], 0, 0x20, 4) == 0, TimeSpan.FromSeconds(20)));
        Assert.Equal(120ul, vfio.ReadAt(files[1], 0, 8, 4));
        Assert.Equal(5ul, vfio.ReadAt(files[0], 0, 8, 4));
        Array.ForEach(files, file => file.Close());
    }

    private static VfioDevice Add(VfioWorld vfio, string address) => vfio.Add(new TestDevModel(), VfioWorld.At(address) with { Migrates = true });

    private static string Way(VfioMigrationState from, VfioMigrationState to)
    {
        var way = new List<string>();
        while (from != to)
        {
            if (!VfioMigrationArcs.TryStep(from, to, out from))
            {
                return string.Empty;
            }

            way.Add(from.ToString());
        }

        return string.Join(' ', way);
    }

    private static OpenFile Go(VfioWorld vfio, OpenFile file, VfioMigrationState state)
    {
        var change = new VfioMigrationChange { DeviceState = (uint)state };
        Assert.Equal(0, vfio.Feature(file, VfioFeature.MigrationState, Set, ref change));
        Assert.Equal(state, StateOf(vfio, file));
        Assert.True(change.DataFd >= 0);
        return vfio.World.Client.File((uint)change.DataFd);
    }

    private static void GoWithout(VfioWorld vfio, OpenFile file, VfioMigrationState state)
    {
        var change = new VfioMigrationChange { DeviceState = (uint)state, DataFd = 7 };
        Assert.Equal(0, vfio.Feature(file, VfioFeature.MigrationState, Set, ref change));
        Assert.Equal(-1, change.DataFd);
        Assert.Equal(state, StateOf(vfio, file));
    }

    private static VfioMigrationState StateOf(VfioWorld vfio, OpenFile file)
    {
        VfioMigrationChange change = default;
        Assert.Equal(0, vfio.Feature(file, VfioFeature.MigrationState, Get, ref change));
        return (VfioMigrationState)change.DeviceState;
    }

    private static byte[] Drain(VfioWorld vfio, OpenFile data)
    {
        var all = new List<byte>();
        while (true)
        {
            long read = data.Read(vfio.World.Client, vfio.World.Data, 4000);
            Assert.True(read >= 0);
            if (read == 0)
            {
                return [.. all];
            }

            all.AddRange(vfio.World.Pages.Bytes.Slice(World.DataOffset, (int)read));
        }
    }

    private static long Write(VfioWorld vfio, OpenFile data, byte[] bytes)
    {
        bytes.CopyTo(vfio.World.Pages.Bytes[World.DataOffset..]);
        return data.Write(vfio.World.Client, vfio.World.Data, (ulong)bytes.Length);
    }

    private static (long Result, ulong Initial, uint Flags) Precopy(VfioWorld vfio, OpenFile data, uint flags)
    {
        var info = new VfioPrecopyInfo { ArgSz = 24, Flags = flags };
        long result = vfio.Ioctl(data, VfioDeviceRequest.GetPrecopyInfo, ref info);
        return (result, result == 0 ? info.InitialBytes : 0, info.Flags);
    }
}

namespace FastIova;

/// <summary>What the engine and the shim say to each other: the numbers of shim/protocol.h, which explains them. A test compares the two.</summary>
internal static class DoorProtocol
{
    internal const uint Magic = 0x61766f69;
    internal const uint Version = 1;

    internal const string FileName = "fastiova/";
    internal const string Variable = "FASTIOVA_DOOR";
    internal const string ViewVariable = "FASTIOVA_VIEW";

    internal const uint FlagFaults = 1;
    internal const uint FlagLend = 2;
    internal const uint FlagDevices = 4;

    internal const int Slots = 256;
    internal const int SlotBytes = 256;

    internal const int GreetingBytes = 48;
    internal const int AnswerBytes = 24;

    internal const uint GreetHello = 1;
    internal const uint GreetSlot = 2;
    internal const uint GreetCollect = 3;
    internal const uint GreetLend = 4;
    internal const uint GreetRing = 5;

    internal const uint TurnClient = 0;
    internal const uint TurnEngine = 1;
    internal const uint TurnAsk = 2;
    internal const uint TurnAnswer = 3;
    internal const uint TurnStopped = 4;

    internal const uint CallOpen = 1;
    internal const uint CallIoctl = 2;
    internal const uint CallRead = 3;
    internal const uint CallWrite = 4;
    internal const uint CallMap = 5;
    internal const uint CallPoll = 6;
    internal const uint CallNode = 7;

    internal const int NotMine = -4096;

    internal const uint AskCollect = 1;
    internal const uint AskClose = 2;

    /// <summary>No position: the file's own counts.</summary>
    internal const ulong NoPosition = ulong.MaxValue;

    internal const int PollIn = 1;
    internal const int PollOut = 4;
    internal const int OpenCloseOnExec = 0x80000;

    internal const int NoSuchProcess = 3;
    internal const int InputOutput = 5;
    internal const int BadDescriptor = 9;
    internal const int NoMemory = 12;
    internal const int BadAddress = 14;
    internal const int Invalid = 22;
    internal const int TooManyFiles = 24;
    internal const int NameTooLong = 36;
    internal const int NotImplemented = 38;
    internal const int ProtocolError = 71;
    internal const int IsShutDown = 108;
}

namespace MiniOneRec.Training.Tests;

public sealed class RunLogTests
{
    [Fact]
    public void Csv_ContinuedWithOtherFigures_KeepsItsColumns()
    {
        string path = Path.Combine(Path.GetTempPath(), $"minionerec-{Guid.NewGuid():N}.csv");
        try
        {
            File.WriteAllText(path, "step,loss,HR@10\n1,2.5,\n2,2,0.25\n");

            using (var log = new RunLog(path, lastStep: 1, ["loss", "HR@10", "sid.HR@10"]))
            {
                log.Write(new TrainingProgress("sft", 2, 3) { Metrics = new Dictionary<string,
                    double> { ["loss"] = 1.5, ["HR@10"] = 0.5, ["sid.HR@10"] = 0.75 } });
            }

            Assert.Equal(["step,loss,HR@10", "1,2.5,", "2,1.5,0.5"], File.ReadAllLines(path));
        }
        finally
        {
            File.Delete(path);
        }
    }
}

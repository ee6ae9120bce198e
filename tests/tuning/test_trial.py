import io

from tiny_settings import tiny_settings

from tfdyn.errors import UserError
from tfdyn.files import write_text
from tfdyn.settings.flagfiles import to_flagfile
from tfdyn.tuning.search_folder import SearchFolder
from tfdyn.tuning.trial import follow


def test_a_worker_trains_what_the_chief_of_its_cluster_trains(tmp_path, monkeypatch):
    folder, output, trained = SearchFolder(tmp_path), io.StringIO(), []
    for number, filters in enumerate((4, 8)):
        folder.run(number).path.mkdir(parents=True)
        text = to_flagfile(tiny_settings(filters=filters))
        write_text(folder.run(number) / "flags.txt", text)

    class Worker:
        numbers = [1, 2, 0]

        def from_chief(self, number):
            return self.numbers.pop(0)

    def train(settings, path, output, distribution):
        trained.append((path.name, settings.filters))
        if path.name == "0000":
            raise UserError("The loss is not a finite number.")

    monkeypatch.setattr("tfdyn.tuning.trial.train", train)
    follow(folder, Worker(), output)
    assert trained == [("0000", 4), ("0001", 8)]
    assert output.getvalue() == "trial 0 failed: The loss is not a finite number.\n"
